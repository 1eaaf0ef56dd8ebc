"""What the processes of all jobs do alike: read the job, say how far it is, end with its result or a
failure."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hmi.base.allocator import keep_freed_memory
from hmi.base.disk_room import cannot_write_in
from hmi.base.errors import HmiError, InvalidInput
from wire import codec
from wire.errors import HTTP_STATUS, ErrorCode
from wire.training import Progress, TrainFailure

EXIT_CANNOT_SUCCEED = 2
J = TypeVar("J")


def add_watch_stdin(parser: argparse._ActionsContainer) -> None:
    """The option that begin_job reads."""
    parser.add_argument(
        "--watch-stdin", action="store_true", help="end when stdin ends, as it does when the parent is killed"
    )


def begin_job(args: argparse.Namespace) -> None:
    """Before the job's own work; loads torch."""
    # Only here: --help and a refused job do not pay for it.
    import torch

    from hmi.build.parent_watch import watch_stdin

    keep_freed_memory()
    if args.watch_stdin:
        watch_stdin(sys.stdin.buffer)
    threads = os.environ.get("HMI_TRAINING_THREADS")
    if threads:
        torch.set_num_threads(int(threads))


def read_job(path: Path, kind: type[J]) -> J:
    """Raises InvalidInput for a file that is absent or no such job."""
    try:
        return codec.from_json(kind, path.read_bytes())
    except OSError as exc:
        raise InvalidInput(f"the job file cannot be read: {exc.strerror}", param="job") from exc
    except codec.WireError as exc:
        raise InvalidInput(f"the job file is not a {kind.__name__}: {exc}", param="job") from exc


def end_job(command: str, work: Callable[[], object], folder: Path | None) -> int:
    """Print what ``work``, which writes in ``folder``, gives, a result of wire: 0. Or 2 after a TrainFailure,
    which trying again cannot help; raises HmiError for the rest."""
    try:
        result = work()
    except HmiError as exc:
        return tell_failure(command, exc)
    except OSError as exc:
        raise cannot_write(exc, folder) from exc
    print(codec.to_json(result), flush=True)
    return 0


def tell_failure(command: str, exc: HmiError) -> int:
    """Print the TrainFailure of a job that trying again cannot help, and its message for people; the exit
    status. Raises ``exc`` where it can."""
    if not _is_final(exc):
        raise exc
    print(codec.to_json(TrainFailure(exc.code.value, exc.message)), flush=True)
    print(f"hmi {command}: {exc.message}", file=sys.stderr)
    return EXIT_CANNOT_SUCCEED


def cannot_write(exc: OSError, folder: Path | None) -> HmiError:
    """Most likely a full disk; what is on it is whole, and another attempt may succeed. ``folder``: where the
    job works; None: in that for temporary files."""
    if exc.filename is not None:
        place = Path(os.fsdecode(exc.filename)).parent
    else:  # a file that was open already: of those of the job
        place = folder or Path(tempfile.gettempdir())
    elsewhere = "HMI_WORK_DIR (by hand: --work or --out)" if folder is not None else "TMPDIR"
    return HmiError(
        ErrorCode.STORE_UNAVAILABLE, cannot_write_in(place, exc, elsewhere=elsewhere), retryable=True
    )


def print_event(event: Progress) -> None:
    # One write a line: the progress thread and the job share stdout.
    sys.stdout.write(codec.to_json(event) + "\n")
    sys.stdout.flush()


def _is_final(error: HmiError) -> bool:
    """Whether the job itself must change; else another attempt may succeed."""
    if error.retryable:
        return False
    return HTTP_STATUS[error.code] < 500 or error.code is ErrorCode.BUNDLE_MISMATCH
