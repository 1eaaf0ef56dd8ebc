"""Arrays mapped from files: what is let go of stays in the file, and leaves this process's memory."""

import re
from pathlib import Path

import numpy as np

from hmi.plot.mapped import BLOCK_BYTES, blocks, let_go, mapped


def resident_bytes(path: Path) -> int:
    """Of the file's pages, in this process."""
    entries = re.split(r"(?m)^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    sizes = (re.search(r"(?m)^Rss:\s+(\d+) kB", one) for one in entries if str(path) in one)
    return sum(1024 * int(size[1]) for size in sizes if size)


def test_what_is_let_go_of_is_read_again_when_it_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(1 << 19, dtype=np.int64).tofile(path)
    array = mapped(path, np.int64, (1 << 19,))
    total = int(array.sum())
    assert resident_bytes(path) >= 4 << 20
    let_go(array[5:].reshape(-1), np.zeros(3))
    assert resident_bytes(path) == 0
    assert int(array.sum()) == total


def test_what_was_written_to_a_mapping_stays(tmp_path: Path) -> None:
    array = np.memmap(tmp_path / "codes", np.int8, mode="w+", shape=(1000, 384))
    array[:] = 7
    let_go(array)
    assert (array == 7).all()


def test_blocks_are_all_of_it_with_few_pages_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    np.arange(1 << 21, dtype=np.int64).tofile(path)
    array = mapped(path, np.int64, (1 << 15, 64))
    num_rows = most = 0
    for block in blocks(array):
        assert block[0, 0] == num_rows * 64
        num_rows += len(block)
        assert int(block.sum()) > 0
        most = max(most, resident_bytes(path))
    assert num_rows == 1 << 15
    assert most <= 2 * BLOCK_BYTES < array.nbytes + BLOCK_BYTES
    assert list(blocks(np.zeros((0, 3)))) == []
