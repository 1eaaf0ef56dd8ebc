"""One child process: in a session of its own, bound to our life, with its output in a log file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.local.identity import ProcessIdentity, identify
from portal.local.users import User
from portal.local.waiting import wait_until

_CHILD_SCRIPT = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run and how to end it."""

    name: str
    command: tuple[str, ...]
    log_file: Path
    env: Mapping[str, str]
    cwd: Path
    user: User | None = None  # None: as ourselves
    port: int | None = None  # for display
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals | None = None  # when we have been killed; None: stop_signal
    stop_deadline_s: float = 10.0  # then SIGKILL
    outlives_others: bool = False  # they need it to end well: it is asked to end when they have


class ChildProcess:
    """A ProcessSpec that runs. Start it from a thread that lives as long as the child should: on Linux the
    kernel ends the child when that thread ends, so that nothing survives a supervisor killed with -9."""

    def __init__(self, spec: ProcessSpec) -> None:
        self.spec = spec
        self.identity: ProcessIdentity | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._asked_s: float | None = None  # monotonic

    def start(self) -> None:
        """Start it; its output is appended to the log file."""
        user = self.spec.user
        ids = (str(user.uid), str(user.gid)) if user else ("-", "-")
        life = (str(os.getpid()), str(int(self.spec.death_signal or self.spec.stop_signal)))
        wrapper = [sys.executable, "-I", "-S", str(_CHILD_SCRIPT), *life, *ids]
        self.spec.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.spec.log_file.open("ab") as log:
            self._popen = subprocess.Popen(
                [*wrapper, *self.spec.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.spec.env),
                cwd=self.spec.cwd,
                start_new_session=True,
            )
        self._asked_s = None
        self.identity = identify(self._popen.pid)

    def exit_code(self) -> int | None:
        """None while it runs; as of subprocess, -9 means killed by signal 9."""
        return self._started().poll()

    def ask_to_stop(self) -> None:
        """Once; its deadline runs from now."""
        popen = self._started()
        if self._asked_s is None:
            self._asked_s = time.monotonic()
            if popen.poll() is None:
                popen.send_signal(self.spec.stop_signal)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask it to end; insist after its deadline, or when ``hurry`` says so. Nothing of its group stays."""
        popen = self._started()
        self.ask_to_stop()
        assert self._asked_s is not None
        left_s = self._asked_s + self.spec.stop_deadline_s - time.monotonic()
        wait_until(lambda: popen.poll() is not None or hurry(), deadline_s=max(left_s, 0.0), poll_s=0.02)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and what is left of its process group; returns when it has ended."""
        popen = self._started()
        # Nobody left in the group is fine; macOS says "not permitted" for that.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError(f"{self.spec.name} was not started")
        return self._popen


def tail(log_file: Path, num_lines: int) -> str:
    """The last lines of a log, for messages; empty when there is none."""
    try:
        with log_file.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 200 * num_lines))
            lines = log.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(lines[-num_lines:])


def describe_exit(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
