import errno
import os
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.local.errors import InstallationError
from portal.local.identity import is_alive
from portal.local.process import ProcessSpec
from portal.local.record import ProcessRow, ProcessState
from portal.local.supervisor import RestartPolicy, Supervised, Supervisor
from portal.local.waiting import wait_until

SLEEP = "import time; time.sleep(60)"
QUICK = RestartPolicy(first_backoff_s=0.01, max_backoff_s=0.02, max_restarts=3, window_s=3600.0)


class Watched:
    """A supervisor with what it reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: tuple[ProcessRow, ...] = ()
        self.is_disk_full = False
        self.history: list[tuple[str, str]] = []
        self.failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.supervisor = Supervisor(on_change=self._changed, on_failure=self.failures.put, policy=QUICK)

    def wanted(
        self,
        name: str,
        code: str = SLEEP,
        *,
        is_ready: bool = True,
        deadline_s: float = 30.0,
        stop_deadline_s: float = 10.0,
        outlives_others: bool = False,
    ) -> Supervised:
        spec = ProcessSpec(
            name=name,
            command=(sys.executable, "-c", code),
            log_file=self.folder / f"{name}.log",
            env=dict(os.environ),
            cwd=self.folder,
            stop_deadline_s=stop_deadline_s,
            outlives_others=outlives_others,
        )
        return Supervised(spec=spec, is_ready=lambda: is_ready, ready_deadline_s=deadline_s)

    def row(self, name: str) -> ProcessRow:
        return next(row for row in self.rows if row.name == name)

    def runs_again(self, name: str, pid_before: int) -> bool:
        return wait_until(
            lambda: self.row(name).pid != pid_before and self.row(name).state == ProcessState.READY,
            deadline_s=60,
        )

    def _changed(self, rows: tuple[ProcessRow, ...]) -> None:
        before = {row.name: row.state for row in self.rows}
        self.history += [(row.name, row.state) for row in rows if before.get(row.name) != row.state]
        self.rows = rows
        if self.is_disk_full:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.supervisor.hurry()
    watched.supervisor.close()
    assert not [row for row in watched.rows if is_alive(row.identity)]


def test_a_process_is_started_and_reported_ready(watched: Watched) -> None:
    watched.supervisor.start(watched.wanted("one")).result(60)
    assert (watched.row("one").state, watched.row("one").num_restarts) == (ProcessState.READY, 0)
    assert is_alive(watched.row("one").identity)


def test_a_killed_process_is_started_again(watched: Watched) -> None:
    watched.supervisor.start(watched.wanted("one")).result(60)
    first = watched.row("one")
    os.kill(first.pid, signal.SIGKILL)
    assert wait_until(
        lambda: (watched.row("one").num_restarts, watched.row("one").state) == (1, ProcessState.READY),
        deadline_s=60,
    )
    assert watched.row("one").pid != first.pid
    assert watched.failures.empty()


def test_a_crash_loop_ends_with_the_reason_and_the_last_lines(watched: Watched) -> None:
    code = "print('no space left on device', flush=True); raise SystemExit(7)"
    ready = watched.supervisor.start(watched.wanted("one", code, is_ready=False))
    with pytest.raises(
        InstallationError, match=r"one ended: 2 times .*exit status 7(.|\n)*no space left on device"
    ):
        ready.result(60)
    assert "no space left on device" in watched.failures.get(timeout=60)


def test_a_full_disk_ends_nothing_that_runs(watched: Watched) -> None:
    watched.is_disk_full = True  # the record of what runs cannot be written
    for name in ("one", "two"):
        watched.supervisor.start(watched.wanted(name)).result(60)
    before = watched.row("one").pid
    os.kill(before, signal.SIGKILL)
    assert watched.runs_again("one", before)
    assert watched.row("two").state == ProcessState.READY
    assert watched.failures.empty()


def test_a_process_that_worked_has_more_patience_but_not_for_ever(watched: Watched) -> None:
    watched.supervisor.start(watched.wanted("one")).result(60)
    for _ in range(QUICK.max_restarts):
        before = watched.row("one").pid
        os.kill(before, signal.SIGKILL)
        assert watched.runs_again("one", before)
    os.kill(watched.row("one").pid, signal.SIGKILL)
    assert f"{QUICK.max_restarts + 1} times" in watched.failures.get(timeout=60)


def test_a_process_that_never_gets_ready_is_given_up(watched: Watched) -> None:
    ready = watched.supervisor.start(watched.wanted("one", is_ready=False, deadline_s=0.05))
    with pytest.raises(InstallationError, match="not ready after"):
        ready.result(60)


def test_waiting_for_a_process_to_be_ready_may_take_longer_than_ends_count(tmp_path: Path) -> None:
    policy = RestartPolicy(first_backoff_s=0.01, window_s=0.0)
    failures: queue.SimpleQueue[str] = queue.SimpleQueue()
    supervisor = Supervisor(on_change=lambda rows: None, on_failure=failures.put, policy=policy)
    spec = ProcessSpec("one", (sys.executable, "-c", SLEEP), tmp_path / "one.log", dict(os.environ), tmp_path)
    try:
        supervisor.start(Supervised(spec, is_ready=lambda: False, ready_deadline_s=0.05))
        assert "one ended: 2 times before it was ready" in failures.get(timeout=60)
    finally:
        supervisor.close()


def test_a_program_that_does_not_exist_says_so(watched: Watched, tmp_path: Path) -> None:
    spec = ProcessSpec("one", ("/does/not/exist",), tmp_path / "one.log", dict(os.environ), tmp_path)
    ready = watched.supervisor.start(Supervised(spec, is_ready=lambda: False))
    with pytest.raises(InstallationError, match="/does/not/exist"):
        ready.result(60)


def test_a_start_whose_preparation_fails_says_why(watched: Watched) -> None:
    def prepare() -> None:
        raise InstallationError("the disk is full")

    wanted = watched.wanted("one")
    ready = watched.supervisor.start(Supervised(wanted.spec, wanted.is_ready, prepare))
    with pytest.raises(InstallationError, match="one could not be started: the disk is full"):
        ready.result(60)


def test_all_are_stopped_in_reverse_order_if_each_outlives_the_others(watched: Watched) -> None:
    for name in ("one", "two", "three"):
        watched.supervisor.start(watched.wanted(name, outlives_others=True)).result(60)
    watched.supervisor.close()
    stopped = [name for name, state in watched.history if state == ProcessState.STOPPED]
    assert stopped == ["three", "two", "one"]


def test_all_are_asked_to_end_at_once_and_then_what_they_need(watched: Watched) -> None:
    """Each of the two waits until the other one is asked; the third one tells whether they had ended."""
    waits = """
import pathlib, signal, sys, time
def asked(*_):
    pathlib.Path("{own}-asked").touch()
    while not pathlib.Path("{other}-asked").exists():
        time.sleep(0.01)
    pathlib.Path("{own}-ended").touch()
    sys.exit()
signal.signal(signal.SIGTERM, asked)
pathlib.Path("{own}-up").touch()
time.sleep(600)
"""
    needed = """
import pathlib, signal, sys, time
def asked(*_):
    print(sorted(map(str, pathlib.Path().glob("*-ended"))), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, asked)
pathlib.Path("needed-up").touch()
time.sleep(600)
"""
    codes = {
        "needed": needed,
        "one": waits.format(own="one", other="two"),
        "two": waits.format(own="two", other="one"),
    }
    for name, code in codes.items():
        wanted = watched.wanted(name, code, stop_deadline_s=60.0, outlives_others=name == "needed")
        watched.supervisor.start(wanted).result(60)
        assert wait_until((watched.folder / f"{name}-up").exists, deadline_s=60)
    watched.supervisor.close()
    assert (watched.folder / "needed.log").read_text() == "['one-ended', 'two-ended']\n"


def test_hurrying_kills_what_does_not_listen(watched: Watched) -> None:
    stubborn = (
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); {SLEEP}"
    )
    watched.supervisor.start(watched.wanted("one", stubborn, stop_deadline_s=3600.0)).result(60)
    assert wait_until(lambda: "up" in (watched.folder / "one.log").read_text(), deadline_s=60)
    watched.supervisor.hurry()
    watched.supervisor.close()
    assert not is_alive(watched.row("one").identity)


def test_who_waits_for_a_start_is_freed_by_closing(watched: Watched) -> None:
    ready = watched.supervisor.start(watched.wanted("one", is_ready=False))
    assert wait_until(lambda: bool(watched.rows), deadline_s=60)
    watched.supervisor.close()
    assert ready.cancelled()
