import os
import signal
import threading
from collections.abc import Iterator

import pytest

from portal.local.stop_signals import STOP_SIGNALS, heed_signals, on_stop_signals


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    yield
    for number, handler in zip(STOP_SIGNALS, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_each_of_them_is_told_of_within_the_block(number: signal.Signals) -> None:
    told: list[str] = []
    signal.signal(number, lambda *_: told.append("outside"))
    with on_stop_signals(lambda: told.append("inside")):
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)
    assert told == ["inside", "outside"]


def test_it_is_told_when_what_it_interrupts_has_let_go_of_its_locks() -> None:
    told: list[bool] = []
    lock = threading.Lock()

    def tell() -> None:
        told.append(lock.acquire(timeout=1.0))
        lock.release()

    with on_stop_signals(tell), lock:
        os.kill(os.getpid(), signal.SIGTERM)
    assert told == [True]


@pytest.mark.parametrize(
    ("numbers", "num_told"),
    [
        ((signal.SIGHUP, signal.SIGHUP), 1),  # by the shell and by the kernel
        ((signal.SIGINT, signal.SIGHUP), 1),
        ((signal.SIGHUP, signal.SIGTERM), 2),
        ((signal.SIGINT, signal.SIGINT), 2),
    ],
)
def test_a_closed_terminal_does_not_insist(numbers: tuple[signal.Signals, ...], num_told: int) -> None:
    told: list[str] = []
    with on_stop_signals(lambda: told.append("asked")):
        for number in numbers:
            os.kill(os.getpid(), number)
    assert len(told) == num_told


def test_a_closed_terminal_stops_nothing_that_nohup_started() -> None:
    told: list[str] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with on_stop_signals(lambda: told.append("inside")):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    assert told == []


def test_what_was_held_back_comes_when_it_can_be_answered() -> None:
    """To this thread: the process may have others, which hold nothing back."""
    told: list[str] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        with on_stop_signals(lambda: told.append("inside")):
            signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
            assert told == []
            heed_signals()
        assert told == ["inside"]
    finally:
        heed_signals()
