"""Lets the process keep the memory that it frees, for the next step."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
MAX_KEPT_BLOCK_BYTES = 2**25
"""The most that glibc takes: larger blocks go back to the system one by one."""
MAX_KEPT_BYTES = 2**28
"""Free at the end of the heap."""


def keep_freed_memory() -> bool:
    """Whether the C library was told to keep what is freed: glibc is, others are left as they are.

    A forward, or a step of training, allocates and frees tens of megabytes. Given back to the system, they
    come as new pages at the next one, each with a fault: thousands of them, a sixth of a forward's time or
    more.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(
        mallopt(_M_MMAP_THRESHOLD, MAX_KEPT_BLOCK_BYTES) and mallopt(_M_TRIM_THRESHOLD, MAX_KEPT_BYTES)
    )
