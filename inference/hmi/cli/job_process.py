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
from hmi.base.errors import CannotWrite, HmiError, InvalidInput
from hmi.base.out_of_memory import is_out_of_memory
from wire import codec
from wire.errors import HTTP_STATUS, ErrorCode
from wire.training import Progress, TrainFailure

EXIT_CANNOT_SUCCEED = 2
JOB_ERRORS = (HmiError, MemoryError, OSError, RuntimeError)
"""What ends a job with words: torch lacks memory by a RuntimeError."""
J = TypeVar("J")


def add_watch_stdin(parser: argparse._ActionsContainer) -> None:
    """The option that begin_job reads."""
    parser.add_argument(
        "--watch-stdin", action="store_true", help="end when stdin ends, as it does when the parent is killed"
    )


def add_limit(parser: argparse._ActionsContainer) -> None:
    """The option of who bounds how long trainings work."""
    parser.add_argument(
        "--limit-s",
        type=float,
        metavar="S",
        help="seconds of work, over all processes of the training: then it ends with the best so far",
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
    """Print what ``work``, which writes in ``folder``, gives, a result of wire: 0. Else as tell_failure()."""
    try:
        result = work()
    except JOB_ERRORS as exc:
        return tell_failure(command, exc, folder)
    print(codec.to_json(result), flush=True)
    return 0


def tell_failure(command: str, exc: Exception, folder: Path | None) -> int:
    """Print the TrainFailure of a job, which writes in ``folder``, that one of JOB_ERRORS has ended. Where
    the job itself must change, its message for people too, and the exit status; else raise what was told."""
    error = as_hmi_error(exc, folder)
    is_final = _is_final(error)
    failure = TrainFailure(
        error.code.value,
        error.told,
        retryable=not is_final,
        for_operator="" if error.told == error.message else error.message,
    )
    print(codec.to_json(failure), flush=True)
    if not is_final:
        raise error from exc
    print(f"hmi {command}: {error.message}", file=sys.stderr)
    return EXIT_CANNOT_SUCCEED


def as_hmi_error(exc: Exception, folder: Path | None) -> HmiError:
    """What one of JOB_ERRORS means to whoever runs a job that writes in ``folder``. Raises ``exc`` where it
    is a fault of the program's."""
    if isinstance(exc, HmiError):
        return exc
    if is_out_of_memory(exc):
        return HmiError(
            ErrorCode.BUDGET_EXCEEDED,
            "there is not enough memory; give the machine more, or shorter texts by max_tokens",
            retryable=True,
        )
    if isinstance(exc, OSError):
        return cannot_write(exc, folder)
    raise exc


def cannot_write(exc: OSError, folder: Path | None) -> HmiError:
    """Most likely a full disk; what is on it is whole, and another attempt may succeed. ``folder``: where the
    job works; None: in that for temporary files."""
    if exc.filename is not None:
        place = Path(os.fsdecode(exc.filename)).parent
    else:  # a file that was open already: of those of the job
        place = folder or Path(tempfile.gettempdir())
    elsewhere = "HMI_WORK_DIR (by hand: --work or --out)" if folder is not None else "TMPDIR"
    return CannotWrite(cannot_write_in(place, exc, elsewhere=elsewhere))


def print_event(event: Progress) -> None:
    # One write a line: the progress thread and the job share stdout.
    sys.stdout.write(codec.to_json(event) + "\n")
    sys.stdout.flush()


def _is_final(error: HmiError) -> bool:
    """Whether the job itself must change; else another attempt may succeed."""
    if error.retryable:
        return False
    return HTTP_STATUS[error.code] < 500 or error.code is ErrorCode.BUNDLE_MISMATCH
