"""One supervisor for one var folder: a lock that the kernel lets go of with its holder."""

import fcntl
import os
from pathlib import Path

LOCK_FILE = "lock"
"""Its name in var/run."""


class AlreadyRunningError(Exception):
    """Another supervisor holds the lock."""


class InstallationLock:
    """Held inside its with-block; entering raises AlreadyRunningError. The file is gone afterwards."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = -1

    def __enter__(self) -> None:
        while True:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                os.close(descriptor)
                raise AlreadyRunningError from exc
            if self._is_current(descriptor):
                self._descriptor = descriptor
                return
            os.close(descriptor)  # the last holder removed the file between our open and our lock

    def __exit__(self, *_error: object) -> None:
        self._file.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._file.stat())
        except FileNotFoundError:
            return False


def is_locked(file: Path) -> bool:
    """True while a supervisor holds the lock in ``file``."""
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
