import subprocess
import sys
from pathlib import Path

import pytest

from portal.local.lock import AlreadyRunningError, InstallationLock, is_locked

HOLDER = """
import sys, time
from pathlib import Path
from portal.local.lock import InstallationLock
with InstallationLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_holder_is_refused(tmp_path: Path) -> None:
    with (
        InstallationLock(tmp_path / "lock"),
        pytest.raises(AlreadyRunningError),
        InstallationLock(tmp_path / "lock"),
    ):
        pass


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    with InstallationLock(tmp_path / "lock"):
        assert is_locked(tmp_path / "lock")
    assert list(tmp_path.iterdir()) == []
    assert not is_locked(tmp_path / "lock")


def test_it_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with InstallationLock(tmp_path / "lock"):
            assert is_locked(tmp_path / "lock")


def test_the_lock_of_a_holder_that_was_killed_is_free(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(file)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(file)
        holder.kill()
        holder.wait()
    assert not is_locked(file)
    with InstallationLock(file):
        assert is_locked(file)
