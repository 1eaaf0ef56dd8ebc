"""The folder of one build of a node: what is done stays in it, and one process at a time works in it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hmi.base.disk_room import cannot_write_in, is_full
from hmi.base.errors import CannotWrite, HmiError, InvalidInput
from hmi.build.other_code import delete_all_but, drop_of_other_code
from hmi.plot.counting import MAX_BYTES, Work
from wire.errors import ErrorCode

_LOCK_FILE = "lock"


@contextmanager
def build_folder(folder: Path, max_bytes: int = MAX_BYTES, *, elsewhere: str = "--work") -> Iterator[Work]:
    """Work in ``folder`` alone; it is made if absent, kept when the work fails or is killed, else deleted.
    What another release's build left there is gone. ``elsewhere``: the setting or option that names it.

    Raises HmiError(CONFLICT, retryable) while another process works there, InvalidInput where anything else
    stands there, StoreUnavailable when the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir()}
    if names and _LOCK_FILE not in names:
        raise InvalidInput(
            f"{folder} is not empty and no build's: what stands there would be deleted; name another folder "
            f"in {elsewhere}"
        )
    descriptor = os.open(folder / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise HmiError(
                ErrorCode.CONFLICT,
                f"another process makes the same build in {folder}; wait for it, or stop it and try again",
                retryable=True,
            ) from exc
        drop_of_other_code(folder, lock=_LOCK_FILE, is_begun=True)
        for left in folder.glob("hmi-*"):  # what a killed process was just putting together
            shutil.rmtree(left, ignore_errors=True)
        yield Work(folder, max_bytes)
        with suppress(OSError):  # the lock last: killed before, it is still a build's folder
            delete_all_but(folder, (_LOCK_FILE,))
        shutil.rmtree(folder, ignore_errors=True)
    except OSError as exc:
        if not is_full(exc):
            raise
        raise CannotWrite(cannot_write_in(folder, exc, elsewhere=elsewhere)) from exc
    finally:
        os.close(descriptor)  # the kernel releases the lock, also when the process is killed
