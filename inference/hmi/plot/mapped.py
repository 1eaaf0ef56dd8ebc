"""Arrays mapped from files: read where they are touched, and let go of before they fill the memory."""

import mmap
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_BYTES = 8 << 20
_WINDOW_BYTES, _LEAST_ROWS = 64 << 10, 1024
"""What one touch of a mapped file may bring into memory: the kernel takes its neighbours along."""


def mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """A file of plain numbers, read when it is touched. A mapping of no bytes is not possible: zeros then."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, mode="r", shape=shape)


def scratch(dtype: type[np.generic], shape: tuple[int, ...], folder: Path | None = None) -> npt.NDArray[Any]:
    """Zeros to be written over, in a file of ``folder`` (None: that for temporary files) without a name: it
    goes with the process, however that ends. Raises OSError when there is no room for all of it."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(dir=folder) as file:
        # A full disk says so here, not by a signal.
        os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype, mode="r+", shape=shape)


def zeros(dtype: type[np.generic], shape: tuple[int, ...], folder: Path | None) -> npt.NDArray[Any]:
    """As scratch() in ``folder``; None: in memory."""
    return np.zeros(shape, dtype) if folder is None else scratch(dtype, shape, folder)


def let_go(*arrays: npt.NDArray[Any]) -> None:
    """Give up the pages that these arrays, or what they are views of, have in memory; those of files alone.

    What was written stays in the file, and what is touched again is read again.
    """
    for array in arrays:
        mapping = _mapping_of(array)
        if mapping is not None:
            mapping.madvise(mmap.MADV_DONTNEED)


def blocks(array: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """``array`` cut along its first axis into pieces of about BLOCK_BYTES, each let go of behind its use."""
    rows = max(BLOCK_BYTES // max(array[:1].nbytes, 1), 1)
    for start in range(0, len(array), rows):
        yield array[start : start + rows]
        let_go(array)


def scattered_rows(max_bytes: int, *arrays: npt.NDArray[Any]) -> int:
    """How many rows that lie anywhere in these files, two of which are touched together, are touched at a
    time, so that what comes into memory is within ``max_bytes`` (or what 1,024 of them bring)."""
    if sum(array.nbytes for array in arrays) <= max_bytes:
        return max(map(len, arrays), default=1) or 1
    return max(max_bytes // (2 * _WINDOW_BYTES), _LEAST_ROWS)


def _mapping_of(array: npt.NDArray[Any]) -> mmap.mmap | None:
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
