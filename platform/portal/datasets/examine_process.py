"""Examines one upload in a process of its own: Django is not in it, and its memory ends with it.

``python -m portal.datasets.examine_process`` reads a job from standard input and answers on standard output.
"""

import subprocess
import sys
from dataclasses import dataclass

import msgspec

from portal.common.store import ObjectStore
from portal.datasets.doctor import Examination, UploadLimits, examine, refused
from portal.datasets.findings import DatasetRefused
from portal.datasets.plan import FixPlan

DEADLINE_S = 1800
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
    """Examine in a child process. Raises ExaminationBroke."""
    try:
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "portal.datasets.examine_process"],
            input=msgspec.json.encode(job),
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ExaminationBroke(f"no answer in {DEADLINE_S} s") from exc
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
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=ExamineJob)
    sys.stdout.buffer.write(msgspec.json.encode(examine_here(job)))


if __name__ == "__main__":
    main()
