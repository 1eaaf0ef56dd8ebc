"""Scratch folders are of the code that began them: another release means other things by the same names."""

import shutil
from collections.abc import Collection
from pathlib import Path

from hmi.artifacts.bundle import sync
from hmi.base.code_digest import code_digest
from hmi.build.checkpoint import write_atomically

_MARK = "code"


def drop_of_other_code(folder: Path, *, lock: str, is_begun: bool) -> None:
    """Leave nothing in ``folder`` but its ``lock``, which the caller holds, unless this very code began it,
    and note that it is this code's now: a checkpoint of other code may be of other weights, and states of
    another tree. ``is_begun``: what stands there is of such work, also where no code is noted."""
    mark = folder / _MARK
    if mark.exists() and mark.read_text() == code_digest():
        return
    if mark.exists() or is_begun:
        mark.write_text("")  # killed from here on, it is done again
        delete_all_but(folder, (lock, _MARK))
        sync(folder)
    write_atomically(mark, code_digest().encode())


def delete_all_but(folder: Path, kept: Collection[str]) -> None:
    """Of what stands in ``folder``, leave the names ``kept``. Raises OSError."""
    for path in folder.iterdir():
        if path.name in kept:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
