"""``estimate``: what a training job would take and give, by a probe; JSON lines, the result last."""

import argparse
from pathlib import Path

from hmi.artifacts.store import open_store
from hmi.cli.job_process import add_limit, add_watch_stdin, begin_job, end_job, print_event, read_job
from hmi.cli.store_place import cache_dir, store_url
from wire.training import EstimateResult, TrainJob


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``estimate``."""
    parser = subparsers.add_parser(
        "estimate", help="say what a training would take and give", description=__doc__
    )
    parser.add_argument(
        "--job", type=Path, required=True, metavar="FILE", help="the job (wire.training.TrainJob)"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="taken as `train` takes it; not used")
    add_limit(parser)
    add_watch_stdin(parser)


def run(args: argparse.Namespace) -> int:
    """0 after an EstimateResult, 2 after a TrainFailure, which trying again cannot help; raises HmiError
    else."""
    return end_job("estimate", lambda: _run(args), args.work)


def _run(args: argparse.Namespace) -> EstimateResult:
    begin_job(args)
    # Only here: --help and a refused job do not pay for loading torch.
    from hmi.build.estimate_job import estimate_training
    from hmi.build.job_progress import JobProgress

    job = read_job(args.job, TrainJob)
    store = open_store(store_url(), cache_dir())
    with JobProgress(print_event) as progress:
        return estimate_training(job, store=store, progress=progress, limit_s=args.limit_s)
