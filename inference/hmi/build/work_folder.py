"""A training's scratch folder: what is finished in it is whole, and one process at a time works in it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmi.base.errors import HmiError, InvalidInput
from hmi.build.checkpoint import write_atomically
from hmi.build.other_code import drop_of_other_code
from hmi.build.recipe_search import RecipeSearch
from wire.artifacts import MANIFEST_FILE
from wire.codec import WireError, from_json, to_json
from wire.errors import ErrorCode
from wire.training import TrainJob, TrainResult

WINDOWS_FILE = "windows.i16"
_LOCK_FILE, _JOB_FILE = "lock", "job.json"


class WorkFolder:
    """Everything that a killed training needs to go on. Kept from attempt to attempt, deleted by whoever
    made it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def claim(self, job: TrainJob) -> Iterator[None]:
        """Work here alone, on ``job`` alone. What another release left is gone: its training begins anew.

        Raises HmiError(NOT_READY, retryable) while another process works here, InvalidInput when the folder
        was begun for another job.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise HmiError(
                    ErrorCode.NOT_READY, f"another process trains in {self.path.name}", retryable=True
                ) from exc
            drop_of_other_code(self.path, lock=_LOCK_FILE, is_begun=(self.path / _JOB_FILE).exists())
            self._begin(job)
            yield
        finally:
            os.close(descriptor)  # the kernel releases the lock, also when the process is killed

    def result(self) -> TrainResult | None:
        """What the finished training said, or None while it has not finished."""
        path = self.path / "result.json"
        return from_json(TrainResult, path.read_bytes()) if path.exists() else None

    def search(self) -> RecipeSearch | None:
        """What a search of recipes chose, or None while it has not ended."""
        path = self.path / "search.json"
        return from_json(RecipeSearch, path.read_bytes()) if path.exists() else None

    def keep_search(self, search: RecipeSearch) -> None:
        """Keep what a search chose, and drop what only an unfinished one needs."""
        write_atomically(self.path / "search.json", to_json(search).encode())
        for checkpoint in self.path.glob("trial-*.checkpoint"):
            checkpoint.unlink()

    def finish(self, result: TrainResult) -> None:
        """Keep the result, and drop what only an unfinished training needs."""
        write_atomically(self.path / "result.json", to_json(result).encode())
        for states in (*self.path.glob("*.f16"), self.path / WINDOWS_FILE):
            states.unlink(missing_ok=True)

    def bundle(self, name: str) -> Path | None:
        """A bundle's folder that was finished, or None."""
        folder = self.path / name
        return folder if (folder / MANIFEST_FILE).exists() else None

    def new_bundle(self, name: str) -> Path:
        """An empty folder to write a bundle into; what a killed process left there is gone."""
        folder = self.path / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder

    def _begin(self, job: TrainJob) -> None:
        path = self.path / _JOB_FILE
        if not path.exists():
            write_atomically(path, to_json(job).encode())
            return
        try:
            begun = from_json(TrainJob, path.read_bytes())
        except WireError as exc:
            raise InvalidInput(f"{path} is not a job of this version; give another --work folder") from exc
        if begun != job:
            raise InvalidInput(
                f"the work folder belongs to job {begun.job_id} as it was then; give another --work folder"
            )
