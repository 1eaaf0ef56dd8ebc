"""What becomes of memory that the process frees: kept for the next step, or given back."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MAX_KEPT_BLOCK_BYTES = 2**25
"""The most that glibc takes: larger blocks go back to the system one by one."""
MAX_KEPT_BYTES = 2**28
"""Free at the end of the heap."""
LARGE_BLOCK_BYTES = 2**22


def keep_freed_memory() -> bool:
    """Whether the C library was told to keep what is freed: glibc is, others are left as they are.

    A forward, or a step of training, allocates and frees tens of megabytes. Given back to the system, they
    come as new pages at the next one, each with a fault: thousands of them, a sixth of a forward's time or
    more.
    """
    return _set(_M_MMAP_THRESHOLD, MAX_KEPT_BLOCK_BYTES) and _set(_M_TRIM_THRESHOLD, MAX_KEPT_BYTES)


def give_back_large_blocks() -> bool:
    """Whether the C library was told to give back what is freed of LARGE_BLOCK_BYTES or more.

    For steps that all need other sizes, of gigabytes: the heap is soon full of holes that none of them fits.
    (Measured: 80 steps through six layers of 768 took 11 GB and grew on; so they take 4, and a tenth longer.)
    """
    return _set(_M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES)


def _set(option: int, num_bytes: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(option, num_bytes))
