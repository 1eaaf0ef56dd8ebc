"""Runs the commands of the set-up with progress and logs; remembers what need not be done again."""

import contextlib
import hashlib
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from portal.local.console import Console, bar
from portal.local.errors import InstallationError
from portal.local.folders import ROOT, replace_file
from portal.local.process import describe_exit, tail

POLL_S = 0.2
STOP_DEADLINE_S = 5.0

_GUARD = (sys.executable, "-I", "-S", str(Path(__file__).with_name("guard.py")))


class CancelledError(Exception):
    """The person at the terminal wants to stop."""


class StepRunner:
    """Runs commands one by one from any thread; all end when ``stop`` is set, or we are killed."""

    def __init__(self, console: Console, stop: threading.Event, logs: Path) -> None:
        self._console = console
        self._stop = stop
        self._logs = logs

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, cwd: Path = ROOT
    ) -> dict[str, Any]:
        """Run ``command`` to its end. JSON objects that it prints are progress (``event`` says so) or its
        result, which is returned; {} when there is none. Raises InstallationError with the end of its log."""
        log_file = self._logs / f"{name.replace(' ', '-')}.log"
        with self._console.step(name) as tell, log_file.open("wb") as log:
            guarded = subprocess.Popen(
                [*_GUARD, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
            with guarded as process:
                try:
                    result = self._result(process, log, tell)
                    code = process.wait()
                finally:
                    _end(process)
            if code != 0:
                raise InstallationError(
                    f"{name}: {describe_exit(code)}. The end of {log_file}:\n{tail(log_file, 15)}"
                )
        return result

    def _result(
        self, process: subprocess.Popen[bytes], log: IO[bytes], tell: Callable[[str], None]
    ) -> dict[str, Any]:
        """What it prints as its result, when it prints no more."""
        result: dict[str, Any] = {}
        for line in self._lines(process):
            message = _parse(line)
            if message is None:
                log.write(line + b"\n")
                log.flush()
            elif message.get("event") == "progress":
                tell(_in_words(message))
            else:
                result = message
        return result

    def _lines(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if self._stop.is_set():
                    raise CancelledError
                if not selector.select(POLL_S):
                    continue
                chunk = os.read(descriptor, 65536)
                if not chunk:
                    break
                *lines, pending = (pending + chunk).split(b"\n")
                yield from lines
        if pending:
            yield pending


class Stamps:
    """Remembers, in one file, with which inputs a step was done last. Used from one thread."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def is_done(self, step: str, inputs: str) -> bool:
        """Whether ``step`` was done last with exactly these inputs."""
        return self._read().get(step) == inputs

    def mark(self, step: str, inputs: str) -> None:
        """``step`` is done with these inputs."""
        known = self._read() | {step: inputs}
        replace_file(self._file, json.dumps(known, indent=1, sort_keys=True))

    def forget(self) -> None:
        """No step is done."""
        self._file.unlink(missing_ok=True)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this very Python."""
    return (sys.executable, *arguments)


def digest(*parts: str) -> str:
    """One text for all the inputs of a step."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def files_digest(folder: Path, files: Sequence[Path]) -> str:
    """Of the names and contents of ``files``, named relative to ``folder``."""
    hashed = hashlib.sha256()
    for file in sorted(files):
        hashed.update(str(file.relative_to(folder)).encode() + b"\0")
        hashed.update(hashlib.sha256(file.read_bytes()).digest())
    return hashed.hexdigest()


def _parse(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"{"):
        return None
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def _in_words(progress: Mapping[str, Any]) -> str:
    step, num_steps = progress.get("step"), progress.get("num_steps")
    shown = bar(step, num_steps) if isinstance(step, int) and isinstance(num_steps, int) else ""
    left_s = progress.get("eta_s")
    left = f", {left_s:.0f} s left" if isinstance(left_s, (int, float)) else ""
    return f"{shown} {progress.get('message', '')}{left}".strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask what still runs of it to end, and insist."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_DEADLINE_S)
    # Also when its leader has ended: npm's ends before what it started. Nobody left is fine.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
