"""Examines one upload in a process of its own: Django is not in it, its memory has a bound and ends with it.

``python -m portal.datasets.examine_process PIPE`` reads a job from standard input and answers on standard
output; it ends when nobody holds the other end of the pipe any more.
"""

import os
import resource
import subprocess
import sys
import threading
from dataclasses import dataclass

import msgspec

from portal.common.store import ObjectStore
from portal.datasets.doctor import Examination, UploadLimits, examine, refused
from portal.datasets.findings import DatasetRefused, refuse
from portal.datasets.plan import FixPlan
from wire.errors import ErrorCode

DEADLINE_S = 1800
MAX_MEMORY_BYTES = 1 << 30
"""Of the process: a file of some kilobytes can unpack, or a row can go on, to as much as there is."""
_PLAIN_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For the process: pyarrow's own allocator reserves a gigabyte, numpy the stacks of a thread a core; both
would count as taken."""
_ORPHANED_STATUS = 3
MAX_SHOWN_CHARS = 2000


@dataclass(frozen=True, slots=True)
class ExamineJob:
    """What is to be read, and how."""

    store_url: str
    original_uri: str
    rows_uri: str
    file_name: str
    plan: FixPlan
    limits: UploadLimits


class ExaminationBroke(Exception):
    """The process ended without an answer."""


def examine_apart(job: ExamineJob) -> Examination:
    """Examine in a child process, which ends with this one. Raises ExaminationBroke."""
    watched, held = os.pipe()
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "portal.datasets.examine_process", str(watched)],
            input=msgspec.json.encode(job),
            capture_output=True,
            env={**os.environ, **_PLAIN_MEMORY},
            pass_fds=(watched,),
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ExaminationBroke(f"no answer in {DEADLINE_S} s") from exc
    finally:
        os.close(watched)
        os.close(held)
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace")[-MAX_SHOWN_CHARS:]
        raise ExaminationBroke(f"exit {ended.returncode}: {said}")
    return msgspec.json.decode(ended.stdout, type=Examination)


def examine_here(job: ExamineJob) -> Examination:
    """Examine in this process; a file that cannot be read has an examination that says why."""
    store = ObjectStore(job.store_url)
    with store.open(job.original_uri) as file:
        try:
            return examine(
                file,
                file_name=job.file_name,
                plan=job.plan,
                limits=job.limits,
                store=store,
                rows_uri=job.rows_uri,
            )
        except DatasetRefused as exc:
            return refused(exc)


def main() -> None:
    """Answer one job."""
    threading.Thread(target=_end_with, args=(int(sys.argv[1]),), name="parent-watch", daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=ExamineJob)
    try:
        examination = examine_here(job)
    except MemoryError:
        examination = refused(_takes_too_much_memory())
    sys.stdout.buffer.write(msgspec.json.encode(examination))


def _end_with(pipe: int) -> None:
    """The kernel closes the other end however the parent dies: its lock is free then, and what this process
    still wrote would come after a deletion."""
    os.read(pipe, 1)
    os._exit(_ORPHANED_STATUS)


def _takes_too_much_memory() -> DatasetRefused:
    return refuse(
        ErrorCode.DATASET_TOO_LARGE,
        f"The file takes more than {MAX_MEMORY_BYTES >> 30} GiB of memory to read: some of its rows are very "
        "long, or unpack to very much.",
        "Shorten or split long texts; upload the columns of texts and labels alone.",
    )


if __name__ == "__main__":
    main()
