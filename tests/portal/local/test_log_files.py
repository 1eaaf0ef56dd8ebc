import errno
import shutil
from pathlib import Path

import pytest

from portal.local.log_files import NUM_PREVIOUS, rotate


def test_a_small_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "portal.log"
    file.write_text("line\n")
    rotate(file, max_bytes=100)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("portal.log", "line\n")]


def test_a_large_file_is_moved_away_and_its_writer_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "portal.log"
    with file.open("ab", buffering=0) as writer:
        writer.write(b"x" * 101)
        rotate(file, max_bytes=100)
        writer.write(b"after")
    assert file.read_bytes() == b"after"
    assert (tmp_path / "portal.log.1").read_bytes() == b"x" * 101


def test_a_bounded_number_of_previous_files_is_kept_newest_first(tmp_path: Path) -> None:
    file = tmp_path / "portal.log"
    for number in range(NUM_PREVIOUS + 2):
        file.write_bytes(b"%d" % number * 10)
        rotate(file, max_bytes=5)
    previous = [(tmp_path / f"portal.log.{number}").read_bytes()[:1] for number in range(1, NUM_PREVIOUS + 1)]
    assert previous == [b"4", b"3", b"2"]
    assert not (tmp_path / f"portal.log.{NUM_PREVIOUS + 1}").exists()


def test_a_file_that_is_not_there_is_left_alone(tmp_path: Path) -> None:
    rotate(tmp_path / "never.log")
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_it_is_emptied_without_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the log that filled the disk would grow on, and the program that rotates it would end."""

    def no_room(_source: Path, copy: Path) -> None:
        copy.write_bytes(b"half of i")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", no_room)
    file = tmp_path / "portal.log"
    file.write_bytes(b"x" * 101)
    rotate(file, max_bytes=100)
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("portal.log", b"")]
