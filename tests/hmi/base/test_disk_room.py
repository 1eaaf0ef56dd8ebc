"""A file that cannot be written is told with its folder, what is free there, and what to do."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from hmi.base.disk_room import cannot_write_in, is_full


def no_room() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_with_what_is_free_and_what_to_set(tmp_path: Path) -> None:
    told = cannot_write_in(tmp_path / "absent" / "work", no_room(), elsewhere="HMI_WORK_DIR")
    assert told.startswith(
        f"there is no room left in {tmp_path / 'absent' / 'work'} (No space left on device; "
    )
    assert "iB are free)" in told
    assert "Free disk space there, or name a folder with more room by HMI_WORK_DIR" in told
    assert told.endswith("what is done is kept")


def test_a_folder_that_refuses_is_not_said_to_be_full(tmp_path: Path) -> None:
    refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    told = cannot_write_in(tmp_path, refused, elsewhere="HMI_STORE_URL")
    assert told.startswith(f"cannot write in {tmp_path}: Permission denied. Let this user write there")
    assert "free" not in told


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (no_room(), True),
        (OSError("61 requested and 3 written"), True),  # as numpy says it
        (OSError(errno.EACCES, "no"), False),
        (shutil.Error([("a", "b", str(no_room()))]), True),
        (shutil.Error([("a", "b", "[Errno 13] Permission denied")]), False),
    ],
)
def test_it_knows_a_full_disk_in_every_form(error: OSError, expected: bool) -> None:
    assert is_full(error) is expected
