"""What to tell when a file cannot be written: where, how much is free there, and what to do."""

import errno
import os
import shutil
from pathlib import Path

from hmi.base.units import format_bytes

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def is_full(exc: OSError) -> bool:
    """Was there no room? numpy says no more than that it wrote too little."""
    if isinstance(exc, shutil.Error):  # of a folder's copy: it has the reasons of all files in words
        return any(os.strerror(number) in str(exc) for number in _FULL)
    return exc.errno is None or exc.errno in _FULL


def cannot_write_in(folder: Path, exc: OSError, *, elsewhere: str) -> str:
    """For the operator. ``elsewhere``: the setting or option that names the folder."""
    if not is_full(exc):
        return (
            f"cannot write in {folder}: {exc.strerror or exc}. Let this user write there, or name another "
            f"folder by {elsewhere}; then do the same again: what is done is kept"
        )
    return (
        f"there is no room left in {folder} ({exc.strerror or exc}; {_free(folder)}). Free disk space there, "
        f"or name a folder with more room by {elsewhere}; then do the same again: what is done is kept"
    )


def _free(folder: Path) -> str:
    """Of the nearest folder that exists: the one named may be what could not be made."""
    for place in (folder, *folder.absolute().parents):
        try:
            return f"{format_bytes(shutil.disk_usage(place).free)} are free"
        except OSError:
            continue
    return "how much is free cannot be told"
