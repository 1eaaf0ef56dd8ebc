"""Memory that is freed is kept, or given back, as is asked for."""

import platform
import resource
import subprocess
import sys

import pytest

from hmi.base.allocator import keep_freed_memory

_FAULTS = """
import resource
import numpy as np
from hmi.base.allocator import keep_freed_memory

assert keep_freed_memory()

def work():
    for _ in range(4):
        kept = [np.ones(2**20) for _ in range(4)]  # 32 MiB
        del kept

work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for glibc alone")
def test_what_was_freed_is_used_again_without_new_pages() -> None:
    done = subprocess.run([sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True)
    pages = 4 * 32 * 2**20 // resource.getpagesize()
    assert int(done.stdout) < pages / 10


_HOLES = """
import resource
import numpy as np
from hmi.base.allocator import give_back_large_blocks, keep_freed_memory

assert keep_freed_memory()
assert give_back_large_blocks()
small = []
for size in range(8, 16):
    kept = [np.ones(size * 2**17) for _ in range(8)]  # 8 to 15 MiB each
    small.append(np.ones(2**13))
    del kept
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
with open("/proc/self/statm") as file:
    print(int(file.read().split()[1]) * resource.getpagesize() // 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for glibc alone")
def test_large_blocks_leave_no_holes_behind() -> None:
    done = subprocess.run([sys.executable, "-c", _HOLES], capture_output=True, text=True, check=True)
    most, left = map(int, done.stdout.split())
    assert left < most - 100


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="for glibc alone")
def test_it_may_be_asked_for_again() -> None:
    assert keep_freed_memory()
    assert keep_freed_memory()
