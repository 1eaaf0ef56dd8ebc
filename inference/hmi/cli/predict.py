"""``predict``: an exported version's answers for texts; without texts, whether they are those expected."""

import argparse
import json
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.cli.main import EXIT_FAILURE, EXIT_OK
from wire import codec
from wire.artifacts import EXPECTED_FILE
from wire.errors import ErrorCode
from wire.tasks import TaskKind


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("predict", help="predict offline, from a folder", description=__doc__)
    parser.add_argument(
        "--bundle", type=Path, required=True, metavar="DIR", help="folder of `train --data` or `export`"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, metavar="FILE", help="texts: .csv, .tsv, .jsonl or .parquet")
    source.add_argument(
        "--expected",
        type=Path,
        metavar="FILE",
        help=f'JSON lines {{"text", "scores"}} to compare with (default: {EXPECTED_FILE} in the folder)',
    )
    parser.add_argument("--text-column", default="text", help="field with the text (default: text)")
    parser.add_argument("--pair-column", default="pair", help="field with the second text (default: pair)")


def run(args: argparse.Namespace) -> int:
    """Prints ``{"row", ...}`` with the answer to each text of ``--data``; else the parity report, and 1 when
    it does not agree."""
    if args.data is None:
        return _compare(args.bundle, args.expected or _own_expected(args.bundle))
    from hmi.build.export import open_exported
    from hmi.cli.text_files import Columns, read_texts_of
    from hmi.kinds.answers import answers_of

    model = open_exported(args.bundle)
    columns = Columns(text=args.text_column, pair=args.pair_column)
    texts = read_texts_of(args.data, columns, has_pairs=answers_of(model.fields.kind).has_pairs)
    for row, answer in enumerate(model.answers(texts), start=1):
        print(json.dumps({"row": row, **codec.to_plain(answer)}, ensure_ascii=False))
    return EXIT_OK


def _own_expected(bundle: Path) -> Path:
    file = bundle / EXPECTED_FILE
    if bundle.is_dir() and not file.exists():  # an export's, or of a version that was taken away
        raise InvalidInput(
            f"{bundle} has no {EXPECTED_FILE} to compare with: give --expected FILE, or texts to predict"
            " with --data FILE",
            code=ErrorCode.MISSING_FIELD,
            param="expected",
        )
    return file


def _compare(bundle: Path, path: Path) -> int:
    from hmi.build.expected import read_expected
    from hmi.build.export import open_exported
    from hmi.build.parity import numbers_of, parity_report

    expected = read_expected(path)
    model = open_exported(bundle)
    report = parity_report(
        [entry.numbers() for entry in expected],
        [numbers_of(answer) for answer in model.answers([entry.input for entry in expected])],
        are_spans=model.fields.kind is TaskKind.TOKEN_CLASSIFICATION,
    )
    print(codec.to_json(report))
    return EXIT_OK if report.agrees else EXIT_FAILURE
