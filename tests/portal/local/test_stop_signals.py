import os
import signal
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


def test_a_closed_terminal_stops_nothing_that_nohup_started() -> None:
    told: list[str] = []
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with on_stop_signals(lambda: told.append("inside")):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    assert told == []


def test_what_was_held_back_comes_when_it_can_be_answered() -> None:
    told: list[str] = []
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        with on_stop_signals(lambda: told.append("inside")):
            os.kill(os.getpid(), signal.SIGTERM)
            assert told == []
            heed_signals()
            assert told == ["inside"]
    finally:
        heed_signals()
