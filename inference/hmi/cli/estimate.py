"""``estimate``: what a training job would take and give, by a probe; JSON lines, the result last."""

import argparse
import os
import sys
from pathlib import Path

from hmi.artifacts.store import open_store
from hmi.base.errors import HmiError
from hmi.cli.store_place import cache_dir, store_url
from hmi.cli.train import is_final, print_event, read_job, tell_failure
from wire import codec
from wire.training import EstimateResult


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``estimate``."""
    parser = subparsers.add_parser(
        "estimate", help="say what a training would take and give", description=__doc__
    )
    parser.add_argument(
        "--job", type=Path, required=True, metavar="FILE", help="the job (wire.training.TrainJob)"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="taken as `train` takes it; not used")
    parser.add_argument(
        "--watch-stdin", action="store_true", help="end when stdin ends, as it does when the parent is killed"
    )


def run(args: argparse.Namespace) -> int:
    """0 after an EstimateResult, 2 after a TrainFailure, which trying again cannot help; raises HmiError
    else."""
    try:
        result = _run(args)
    except HmiError as exc:
        if not is_final(exc):
            raise
        return tell_failure("estimate", exc)
    print(codec.to_json(result), flush=True)
    return 0


def _run(args: argparse.Namespace) -> EstimateResult:
    # Only here: --help and a refused job do not pay for loading torch.
    import torch

    from hmi.build.estimate_job import estimate_training
    from hmi.build.job_progress import JobProgress
    from hmi.build.parent_watch import watch_stdin

    if args.watch_stdin:
        watch_stdin(sys.stdin.buffer)
    threads = os.environ.get("HMI_TRAINING_THREADS")
    if threads:
        torch.set_num_threads(int(threads))
    job = read_job(args.job)
    store = open_store(store_url(), cache_dir())
    with JobProgress(print_event) as progress:
        return estimate_training(job, store=store, progress=progress)
