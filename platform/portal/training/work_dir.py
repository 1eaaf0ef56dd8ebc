"""The scratch folder of one job: kept over attempts, used by one attempt at a time."""

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import TypeVar

from wire.codec import from_plain, to_json, to_plain

_LOCK_FILE = "lock"
_JOB_FILE = "job.json"
J = TypeVar("J")


class WorkDirBusy(Exception):
    """The process of an earlier attempt still runs in this folder."""


class WorkDir:
    """Holds the lock of ``root/<job_id>`` from construction to ``close()`` or ``delete()``.

    The job's process inherits the locked file: a worker that was killed leaves the lock with its child,
    and the next attempt starts only when that child has ended too. Raises WorkDirBusy.
    """

    def __init__(self, root: Path, job_id: str) -> None:
        self.path = root / job_id
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock_file = os.open(self.path / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self.lock_file)
            raise WorkDirBusy(str(self.path)) from exc

    @property
    def checkpoints(self) -> Path:
        """The folder given to the job's process."""
        return self._folder("work")

    @property
    def temporary(self) -> Path:
        """Where its temporary files go, so that they end with the job."""
        return self._folder("tmp")

    @property
    def job_file(self) -> Path:
        """Where the job file is."""
        return self.path / _JOB_FILE

    def job(self, kind: type[J]) -> J | None:
        """The job of earlier attempts here: checkpoints belong to it, whatever the catalog says now.

        None where there is none, or another release's: it lacks what this one would say, and its process
        drops the checkpoints as well.
        """
        try:
            written = json.loads(self.job_file.read_bytes())
            job = from_plain(kind, written)
        except (FileNotFoundError, ValueError):
            return None
        return job if to_plain(job) == written else None

    def write_job(self, job: object) -> None:
        """Write the job file, whole or not at all."""
        temporary = self.path / f"{_JOB_FILE}.new"
        temporary.write_text(to_json(job), encoding="utf-8")
        temporary.replace(self.job_file)

    def delete(self) -> None:
        """Remove everything and release the lock."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Release the lock, keep the files. Calling it again does nothing."""
        if self.lock_file >= 0:
            os.close(self.lock_file)
            self.lock_file = -1

    def _folder(self, name: str) -> Path:
        folder = self.path / name
        folder.mkdir(exist_ok=True)
        return folder
