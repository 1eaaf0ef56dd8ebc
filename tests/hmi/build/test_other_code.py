"""What stands in a folder goes only when work of other code stands there."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hmi.build.other_code import drop_of_other_code


@contextmanager
def full_disk() -> Iterator[None]:
    """Files can be made, and nothing written to them."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_after_a_full_disk_a_folder_keeps_what_was_there_before_any_work(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("somebody's own")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        drop_of_other_code(tmp_path, lock="lock", is_begun=False)
    drop_of_other_code(tmp_path, lock="lock", is_begun=False)
    assert notes.read_text() == "somebody's own"
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "code"}
