"""``domain``: one job of a domain, for the control plane; events as JSON lines on stdout, the result last."""

import argparse
import os
import sys
from pathlib import Path
from typing import TypeVar

from hmi.artifacts.store import open_store
from hmi.base.errors import HmiError, InvalidInput
from hmi.cli.store_place import cache_dir, store_url
from hmi.cli.train import is_final, print_event, tell_failure
from wire import codec
from wire.domains import DomainJob, DomainResult, SuggestJob, SuggestResult
from wire.errors import ErrorCode

J = TypeVar("J", DomainJob, SuggestJob)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``domain`` and its actions."""
    domain = subparsers.add_parser("domain", help="what the control plane asks about domains")
    actions = domain.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, words in (
        ("update", "make a domain's node anew from its segments, and try it on deployed tasks"),
        ("suggest", "find the domain that a dataset's text is like"),
    ):
        action = actions.add_parser(name, help=words, description=f"{words}. {__doc__}")
        action.add_argument("--job", type=Path, required=True, metavar="FILE", help="the job (wire.domains)")
        action.add_argument(
            "--work", type=Path, required=True, metavar="DIR", help="scratch folder of this job"
        )
        action.add_argument(
            "--watch-stdin",
            action="store_true",
            help="end when stdin ends, as it does when the parent is killed",
        )


def run(args: argparse.Namespace) -> int:
    """0 after a result, 2 after a TrainFailure, which trying again cannot help; raises HmiError else."""
    try:
        result = _run(args)
    except HmiError as exc:
        if not is_final(exc):
            raise
        return tell_failure("domain", exc)
    except OSError as exc:
        raise HmiError(
            ErrorCode.STORE_UNAVAILABLE, f"a file cannot be written: {exc.strerror or exc}", retryable=True
        ) from exc
    print(codec.to_json(result), flush=True)
    return 0


def _run(args: argparse.Namespace) -> DomainResult | SuggestResult:
    # Only here: --help and a refused job do not pay for loading torch.
    import torch

    from hmi.build.job_progress import JobProgress
    from hmi.build.parent_watch import watch_stdin
    from hmi.build.suggest_domain import suggest_domain
    from hmi.build.update_domain import update_domain

    if args.watch_stdin:
        watch_stdin(sys.stdin.buffer)
    threads = os.environ.get("HMI_TRAINING_THREADS")
    if threads:
        torch.set_num_threads(int(threads))
    store = open_store(store_url(), cache_dir())
    with JobProgress(print_event) as progress:
        if args.action == "update":
            return update_domain(_read(args.job, DomainJob), store=store, progress=progress)
        return suggest_domain(_read(args.job, SuggestJob), store=store, progress=progress)


def _read(path: Path, kind: type[J]) -> J:
    try:
        return codec.from_json(kind, path.read_bytes())
    except OSError as exc:
        raise InvalidInput(f"the job file cannot be read: {exc.strerror}", param="job") from exc
    except codec.WireError as exc:
        raise InvalidInput(f"the job file is not a {kind.__name__}: {exc}", param="job") from exc
