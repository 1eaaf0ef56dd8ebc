"""One job's process as a child: in its own process group, read by lines, ended with all its children."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from wire.codec import WireError, from_plain
from wire.domains import DomainResult, SuggestResult
from wire.imports import ImportResult
from wire.training import EstimateResult, Progress, TrainFailure, TrainResult

MAX_LINE_BYTES = 16 << 20  # a report of 1,000 labels with its confusion matrix fits
MAX_WAITING_LINES = 256
STDERR_TAIL_BYTES = 16 << 10
TERMINATE_GRACE_S = 5.0

Result = TrainResult | EstimateResult | ImportResult | DomainResult | SuggestResult
TrainEvent = Progress | Result | TrainFailure
_EVENTS: Mapping[str, type[TrainEvent]] = {
    "progress": Progress,
    "result": TrainResult,
    "estimate_result": EstimateResult,
    "import_result": ImportResult,
    "domain_result": DomainResult,
    "suggest_result": SuggestResult,
    "failure": TrainFailure,
}


class BrokenProtocol(Exception):
    """The process printed something that is not one of the agreed events."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The process has ended and every event it printed has been given out."""

    exit_code: int  # negative: killed by that signal


class TrainingProcess:
    """Owner of one child process group. One thread uses it; two private threads read its outputs.

    ``close()`` ends the whole group and must be called (or use it as a context manager). The child's standard
    input stays open as long as this process lives, so that a child started with --watch-stdin ends when its
    parent is killed.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        held_files: Sequence[int] = (),
    ) -> None:
        self._child = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=tuple(held_files),
        )
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._lines: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING_LINES)
        self._stderr = _Tail(STDERR_TAIL_BYTES)
        self._readers = [
            threading.Thread(target=_read_lines, args=(self._child.stdout, self._lines), daemon=True),
            threading.Thread(target=self._stderr.read_all, args=(self._child.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._ended: Ended | None = None

    def __enter__(self) -> "TrainingProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """Of the group's leader."""
        return self._child.pid

    @property
    def stderr_tail(self) -> str:
        """The last of what it wrote to standard error: for operators only, it may hold a tenant's text."""
        return self._stderr.text()

    def next_event(self, *, timeout_s: float) -> TrainEvent | Ended | None:
        """The next event, or Ended, or None when there was none in time. Raises BrokenProtocol."""
        if self._ended is not None:
            return self._ended
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            if self._has_exited():
                self._signal_group(signal.SIGKILL)  # children that still hold its output
            return None
        if line is None:
            return self._end()
        return _parse(line)

    def close(self) -> None:
        """Ask the group to end, kill it after a grace period, wait for it. Calling it again does nothing."""
        if self._ended is not None:
            return
        self._signal_group(signal.SIGTERM)
        if not self._drain(TERMINATE_GRACE_S):
            self._signal_group(signal.SIGKILL)
            self._drain(TERMINATE_GRACE_S)
        self._end()

    def _drain(self, timeout_s: float) -> bool:
        """Throw lines away until the outputs end; False when they did not in time."""
        deadline = time.monotonic() + timeout_s
        try:
            while self._lines.get(timeout=max(0.0, deadline - time.monotonic())) is not None:
                pass
        except queue.Empty:
            return False
        return True

    def _end(self) -> Ended:
        """Wait for the leader, which has closed its output, and leave nothing of its group."""
        try:
            self._child.wait(TERMINATE_GRACE_S)
        except subprocess.TimeoutExpired:
            self._signal_group(signal.SIGKILL)
            self._child.wait()
        self._signal_group(signal.SIGKILL)
        for reader in self._readers:
            reader.join(TERMINATE_GRACE_S)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()
        self._ended = Ended(self._child.returncode)
        return self._ended

    def _has_exited(self) -> bool:
        """Without reaping: the group's id cannot be taken by a stranger before the group is signalled."""
        return os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, number)


class _Tail:
    """The last bytes of a stream; written by the thread that reads it, read by the owner."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept = b""

    def read_all(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 1 << 16):
            self._kept = (self._kept + chunk)[-self._max_bytes :]

    def text(self) -> str:
        return self._kept.decode(errors="replace")


def _read_lines(stream: IO[bytes], lines: "queue.Queue[bytes | None]") -> None:
    while line := stream.readline(MAX_LINE_BYTES + 1):
        lines.put(line)
    lines.put(None)


def _parse(line: bytes) -> TrainEvent:
    if len(line) > MAX_LINE_BYTES:
        raise BrokenProtocol(f"a line is longer than {MAX_LINE_BYTES} bytes")
    try:
        plain = json.loads(line)
    except ValueError as exc:
        raise BrokenProtocol("a line is not JSON") from exc
    name = plain.get("event") if isinstance(plain, dict) else None
    kind = _EVENTS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BrokenProtocol("a line is not an event that was agreed")
    try:
        return from_plain(kind, plain)
    except WireError as exc:
        raise BrokenProtocol(f"a line is not a {name} event: {exc}") from exc
