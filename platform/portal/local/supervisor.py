"""Keeps the programs running: starts, watches, restarts with patience, stops."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from portal.local.errors import InstallationError
from portal.local.log_files import rotate
from portal.local.process import ChildProcess, ProcessSpec, describe_exit, tail
from portal.local.record import ProcessRow, ProcessState

POLL_S = 0.1
ROTATE_S = 30.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient the supervisor is with a process that ends by itself."""

    first_backoff_s: float = 0.2  # doubles with each restart within the window
    max_backoff_s: float = 5.0
    max_restarts: int = 6  # within the window; the next one is a crash loop
    max_starts_before_ready: int = 2  # of a process that never became ready in this run
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Supervised:
    """One process to keep: ``prepare`` runs before each start, ``is_ready`` is asked after it."""

    spec: ProcessSpec
    is_ready: Callable[[], bool]
    prepare: Callable[[], None] = lambda: None
    ready_deadline_s: float = 60.0


@dataclass(slots=True)
class _Kept:
    wanted: Supervised
    child: ChildProcess
    ready: Future[None]
    state: ProcessState = ProcessState.STARTING
    since: float = 0.0  # seconds since the epoch, for people
    deadline_s: float = 0.0  # monotonic: of readiness while STARTING, of the next start while WAITING
    num_restarts: int = 0
    was_ready: bool = False
    ends_s: deque[float] = field(
        default_factory=deque
    )  # monotonic times of unexpected ends within the window


class Supervisor:
    """Owns every long-lived process. One thread of its own starts and watches them (ChildProcess says why it
    must live as long as they); the methods may be called from any other thread. ``on_change`` gets all rows
    after each change, and may raise OSError; ``on_failure`` a message for the operator when a process cannot
    be kept running; both are called in that thread."""

    def __init__(
        self,
        *,
        on_change: Callable[[tuple[ProcessRow, ...]], None],
        on_failure: Callable[[str], None],
        policy: RestartPolicy | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_change = on_change
        self._on_failure = on_failure
        self._policy = policy or RestartPolicy()
        self._monotonic = monotonic
        self._kept: dict[str, _Kept] = {}  # in order of start
        # No SimpleQueue: its get() waits for ever once a signal wakes it after its time was up (Python 3.11),
        # as where all was frozen meanwhile, or the machine slept.
        self._wanted: queue.Queue[tuple[Supervised, Future[None]]] = queue.Queue()
        self._closing = threading.Event()
        self._hurry = threading.Event()
        self._rotated_s = monotonic()
        self._thread = threading.Thread(target=self._run, name="supervisor")
        self._thread.start()

    def start(self, wanted: Supervised) -> Future[None]:
        """Start a process; the future is done when it is ready, or fails with InstallationError."""
        ready: Future[None] = Future()
        self._wanted.put((wanted, ready))
        return ready

    def close(self) -> None:
        """Stop all, and return when nothing is left: all at once but those that outlive the others, which go
        last started first."""
        self._closing.set()
        self._thread.join()

    def hurry(self) -> None:
        """Somebody is impatient: kill what still runs instead of waiting for it."""
        self._hurry.set()

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._start_wanted()
                for kept in list(self._kept.values()):
                    self._watch(kept)
                self._rotate_logs()
        except Exception as exc:
            logger.exception("the supervisor failed")
            self._on_failure(f"the supervisor failed: {exc}")
        finally:
            self._stop_all()

    def _start_wanted(self) -> None:
        try:
            wanted, ready = self._wanted.get(timeout=POLL_S)
        except queue.Empty:
            return
        kept = _Kept(wanted, ChildProcess(wanted.spec), ready)
        self._kept[wanted.spec.name] = kept
        self._launch(kept)

    def _launch(self, kept: _Kept) -> None:
        try:
            kept.wanted.prepare()
            kept.child.start()
        except (InstallationError, OSError) as exc:
            self._give_up(kept, f"{kept.wanted.spec.name} could not be started: {exc}")
            return
        self._move(kept, ProcessState.STARTING)
        kept.deadline_s = self._monotonic() + kept.wanted.ready_deadline_s

    def _watch(self, kept: _Kept) -> None:
        if kept.state is ProcessState.WAITING:
            if self._monotonic() >= kept.deadline_s:
                kept.num_restarts += 1
                self._launch(kept)
        elif kept.state in (ProcessState.STARTING, ProcessState.READY):
            code = kept.child.exit_code()
            if code is not None:
                self._ended(kept, describe_exit(code))
            elif kept.state is ProcessState.STARTING:
                self._await_ready(kept)

    def _await_ready(self, kept: _Kept) -> None:
        if kept.wanted.is_ready():
            kept.was_ready = True
            self._move(kept, ProcessState.READY)
            if not kept.ready.done():
                kept.ready.set_result(None)
        elif self._monotonic() >= kept.deadline_s:
            self._ended(kept, f"not ready after {kept.wanted.ready_deadline_s:.0f} s")

    def _ended(self, kept: _Kept, how: str) -> None:
        kept.child.kill()  # what is left of its process group
        now_s = self._monotonic()
        kept.ends_s.append(now_s)
        # Before it was ready all count: waiting for that takes as long as the window.
        while kept.was_ready and kept.ends_s[0] < now_s - self._policy.window_s:
            kept.ends_s.popleft()
        num_ends = len(kept.ends_s)
        allowed = self._policy.max_restarts if kept.was_ready else self._policy.max_starts_before_ready - 1
        if num_ends > allowed:
            self._give_up(kept, _obituary(kept, how))
            return
        backoff_s = min(self._policy.max_backoff_s, self._policy.first_backoff_s * 2 ** (num_ends - 1))
        logger.warning("%s ended (%s); it is started again in %.1f s.", kept.wanted.spec.name, how, backoff_s)
        kept.deadline_s = now_s + backoff_s
        self._move(kept, ProcessState.WAITING)

    def _give_up(self, kept: _Kept, message: str) -> None:
        self._move(kept, ProcessState.STOPPED)
        if not kept.ready.done():
            kept.ready.set_exception(InstallationError(message))
        self._on_failure(message)

    def _stop_all(self) -> None:
        last_first = list(reversed(self._kept.values()))
        outliving = [[kept] for kept in last_first if kept.wanted.spec.outlives_others]
        for together in ([kept for kept in last_first if not kept.wanted.spec.outlives_others], *outliving):
            running = [kept for kept in together if kept.state in (ProcessState.STARTING, ProcessState.READY)]
            for kept in running:
                kept.child.ask_to_stop()
            for kept in together:
                if kept in running:
                    kept.child.stop(self._hurry.is_set)
                self._move(kept, ProcessState.STOPPED)
        while not self._wanted.empty():
            self._wanted.get()[1].cancel()
        for kept in self._kept.values():
            kept.ready.cancel()

    def _move(self, kept: _Kept, state: ProcessState) -> None:
        kept.state = state
        kept.since = time.time()
        rows = tuple(_row(each) for each in self._kept.values() if each.child.identity is not None)
        try:
            self._on_change(rows)
        except OSError as exc:  # no reason to stop what runs
            logger.warning("what runs could not be written down: %s", exc.strerror)

    def _rotate_logs(self) -> None:
        if self._monotonic() - self._rotated_s >= ROTATE_S:
            self._rotated_s = self._monotonic()
            for kept in self._kept.values():
                rotate(kept.wanted.spec.log_file)


def _row(kept: _Kept) -> ProcessRow:
    spec, identity = kept.wanted.spec, kept.child.identity
    assert identity is not None
    return ProcessRow(
        name=spec.name,
        pid=identity.pid,
        started=identity.started,
        state=kept.state.value,
        since=kept.since,
        port=spec.port,
        num_restarts=kept.num_restarts,
    )


def _obituary(kept: _Kept, how: str) -> str:
    spec, num_ends = kept.wanted.spec, len(kept.ends_s)
    times = f"{num_ends} times within a minute" if kept.was_ready else f"{num_ends} times before it was ready"
    when = how if num_ends == 1 else f"{times}, the last time with {how}"
    return f"{spec.name} ended: {when}. The end of {spec.log_file}:\n{tail(spec.log_file, 15)}"
