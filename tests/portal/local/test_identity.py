import os
import signal
import subprocess
import sys

import pytest

from portal.local.identity import ProcessIdentity, identify, is_alive, send_signal

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_running_process_is_alive_and_an_ended_one_is_not() -> None:
    with subprocess.Popen(SLEEP) as process:
        identity = identify(process.pid)
        assert identity is not None
        assert is_alive(identity)
        process.kill()
        process.wait()
        assert not is_alive(identity)


def test_a_zombie_is_not_alive() -> None:
    with subprocess.Popen(SLEEP) as process:
        identity = identify(process.pid)
        assert identity is not None
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, but not collected
        assert not is_alive(identity)


def test_a_later_process_with_the_same_pid_is_another_one() -> None:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    assert not is_alive(ProcessIdentity(ourselves.pid, "started at another time"))


def test_a_process_of_before_a_restart_of_the_machine_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(SLEEP) as process:
        identity = identify(process.pid)
        assert identity is not None
        with monkeypatch.context() as patched:
            patched.setattr("portal.local.identity._boot", lambda: "another start of the machine")
            assert not is_alive(identity)
        assert is_alive(identity)
        process.kill()


def test_a_signal_meant_for_another_process_is_not_sent() -> None:
    with subprocess.Popen(SLEEP) as process:
        send_signal(ProcessIdentity(process.pid, "started at another time"), signal.SIGKILL)
        assert process.poll() is None
        right = identify(process.pid)
        assert right is not None
        send_signal(right, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def test_there_is_no_process_with_an_impossible_pid() -> None:
    assert identify(2**22 + 1) is None
