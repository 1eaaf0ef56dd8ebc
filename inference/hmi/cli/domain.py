"""``domain``: one job of a domain, for the control plane; events as JSON lines on stdout, the result last."""

import argparse
from pathlib import Path

from hmi.artifacts.store import open_store
from hmi.cli.job_process import add_watch_stdin, begin_job, end_job, print_event, read_job
from hmi.cli.store_place import cache_dir, store_url
from wire.domains import DomainJob, DomainResult, SuggestJob, SuggestResult


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
        add_watch_stdin(action)


def run(args: argparse.Namespace) -> int:
    """0 after a result, 2 after a TrainFailure, which trying again cannot help; raises HmiError else."""
    return end_job("domain", lambda: _run(args), args.work)


def _run(args: argparse.Namespace) -> DomainResult | SuggestResult:
    begin_job(args)
    # Only here: --help and a refused job do not pay for loading torch.
    from hmi.build.job_progress import JobProgress
    from hmi.build.suggest_domain import suggest_domain
    from hmi.build.update_domain import update_domain

    store = open_store(store_url(), cache_dir())
    with JobProgress(print_event) as progress:
        if args.action == "update":
            return update_domain(
                read_job(args.job, DomainJob), store=store, folder=args.work, progress=progress
            )
        return suggest_domain(read_job(args.job, SuggestJob), store=store, progress=progress)
