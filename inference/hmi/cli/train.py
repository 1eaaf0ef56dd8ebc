"""``train``: one training job; events as JSON lines on stdout, the result last."""

import argparse
import os
import sys
from pathlib import Path

from hmi.artifacts.store import open_store
from hmi.base.errors import HmiError, InvalidInput
from wire import codec
from wire.errors import HTTP_STATUS, ErrorCode
from wire.training import Progress, TrainFailure, TrainJob

EXIT_CANNOT_SUCCEED = 2


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("train", help="run one training job", description=__doc__)
    parser.add_argument(
        "--job", type=Path, required=True, metavar="FILE", help="the job (wire.training.TrainJob)"
    )
    parser.add_argument(
        "--work",
        type=Path,
        required=True,
        metavar="DIR",
        help="scratch folder of this job; run again with the same one, a killed training goes on",
    )
    parser.add_argument(
        "--watch-stdin", action="store_true", help="end when stdin ends, as it does when the parent is killed"
    )


def run(args: argparse.Namespace) -> int:
    """0 after a TrainResult; 2 after a TrainFailure, which trying again cannot help; raises HmiError for the
    rest."""
    try:
        return _run(args)
    except HmiError as exc:
        if not is_final(exc):
            raise
        print(codec.to_json(TrainFailure(exc.code.value, exc.message)), flush=True)
        print(f"hmi train: {exc.message}", file=sys.stderr)
        return EXIT_CANNOT_SUCCEED
    except OSError as exc:
        # Most likely a full disk; what is on it is whole, and the next attempt goes on from there.
        raise HmiError(
            ErrorCode.STORE_UNAVAILABLE, f"the work folder: {exc.strerror or exc}", retryable=True
        ) from exc


def is_final(error: HmiError) -> bool:
    """Whether the job itself must change; else another attempt may succeed."""
    if error.retryable:
        return False
    return HTTP_STATUS[error.code] < 500 or error.code is ErrorCode.BUNDLE_MISMATCH


def _run(args: argparse.Namespace) -> int:
    # Only here: --help and a refused job do not pay for loading torch.
    import torch

    from hmi.build.job_progress import JobProgress
    from hmi.build.parent_watch import watch_stdin
    from hmi.build.train_job import run_training
    from hmi.build.work_folder import WorkFolder

    if args.watch_stdin:
        watch_stdin(sys.stdin.buffer)
    threads = os.environ.get("HMI_TRAINING_THREADS")
    if threads:
        torch.set_num_threads(int(threads))
    job = read_job(args.job)
    store = open_store(store_url(), cache_dir())
    with JobProgress(_print_event) as progress:
        result = run_training(job, store=store, work=WorkFolder(args.work), progress=progress)
    print(codec.to_json(result), flush=True)
    return 0


def read_job(path: Path) -> TrainJob:
    """Raises InvalidInput for a file that is absent or no job."""
    try:
        return codec.from_json(TrainJob, path.read_bytes())
    except OSError as exc:
        raise InvalidInput(f"the job file cannot be read: {exc.strerror}", param="job") from exc
    except codec.WireError as exc:
        raise InvalidInput(f"the job file is not a training job: {exc}", param="job") from exc


def store_url() -> str:
    """HMI_STORE_URL; raises InvalidInput when it is not set."""
    url = os.environ.get("HMI_STORE_URL")
    if not url:
        raise InvalidInput(
            "HMI_STORE_URL is not set; give the object store, for example file:///srv/hmi/store"
        )
    return url


def cache_dir() -> Path | None:
    """HMI_CACHE_DIR, where copies of a remote store's bundles are kept."""
    path = os.environ.get("HMI_CACHE_DIR")
    return Path(path) if path else None


def _print_event(event: Progress) -> None:
    # One write a line: the progress thread and the training share stdout.
    sys.stdout.write(codec.to_json(event) + "\n")
    sys.stdout.flush()
