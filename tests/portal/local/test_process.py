import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.local.identity import identify, is_alive
from portal.local.process import ChildProcess, ProcessSpec, describe_exit, tail
from portal.local.waiting import wait_until

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, sys, time
from pathlib import Path
from portal.local.process import ChildProcess, ProcessSpec
command = (sys.executable, "-c", "import time; time.sleep(60)")
child = ChildProcess(ProcessSpec("sleeper", command, Path(sys.argv[1]), dict(os.environ), Path("/")))
child.start()
print(child.identity.pid, flush=True)
time.sleep(60)
"""


def _started(folder: Path, code: str, *, stop_deadline_s: float = 5.0) -> ChildProcess:
    spec = ProcessSpec(
        name="some",
        command=(sys.executable, "-c", code),
        log_file=folder / "some.log",
        env=dict(os.environ),
        cwd=folder,
        stop_deadline_s=stop_deadline_s,
    )
    child = ChildProcess(spec)
    child.start()
    return child


def test_output_and_errors_are_appended_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "some.log").write_text("from before\n")
    child = _started(tmp_path, "import sys; print('out', flush=True); print('err', file=sys.stderr)")
    assert wait_until(lambda: child.exit_code() == 0, deadline_s=60)
    assert (tmp_path / "some.log").read_text() == "from before\nout\nerr\n"


def test_it_is_asked_to_end_first(tmp_path: Path) -> None:
    child = _started(tmp_path, "print('up', flush=True); import time; time.sleep(60)")
    assert wait_until(lambda: tail(tmp_path / "some.log", 1) == "up", deadline_s=60)
    child.stop()
    assert child.exit_code() == -signal.SIGTERM


def test_one_that_does_not_listen_is_killed_after_its_deadline(tmp_path: Path) -> None:
    child = _started(tmp_path, STUBBORN, stop_deadline_s=0.1)
    assert wait_until(lambda: tail(tmp_path / "some.log", 1) == "up", deadline_s=60)
    child.stop()
    assert child.exit_code() == -signal.SIGKILL


def test_an_impatient_person_does_not_wait_for_the_deadline(tmp_path: Path) -> None:
    child = _started(tmp_path, STUBBORN, stop_deadline_s=3600.0)
    assert wait_until(lambda: tail(tmp_path / "some.log", 1) == "up", deadline_s=60)
    child.stop(hurry=lambda: True)
    assert child.exit_code() == -signal.SIGKILL


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    grandchild = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    )
    child = _started(tmp_path, f"{grandchild}; print(p.pid, flush=True); p.wait()")
    assert wait_until(lambda: tail(tmp_path / "some.log", 1).isdigit(), deadline_s=60)
    identity = identify(int(tail(tmp_path / "some.log", 1)))
    assert identity is not None
    child.stop()
    assert wait_until(lambda: not is_alive(identity), deadline_s=60)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "child.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        identity = identify(int(parent.stdout.readline()))
        assert identity is not None
        parent.kill()
    assert wait_until(lambda: not is_alive(identity), deadline_s=60)


def test_the_tail_of_a_log_is_its_last_lines(tmp_path: Path) -> None:
    (tmp_path / "some.log").write_text("".join(f"line {number}\n" for number in range(1000)))
    assert tail(tmp_path / "some.log", 2) == "line 998\nline 999"
    assert tail(tmp_path / "absent.log", 2) == ""


@pytest.mark.parametrize(
    ("code", "words"), [(0, "exit status 0"), (3, "exit status 3"), (-9, "killed by SIGKILL")]
)
def test_an_exit_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
