"""Both clocks keep what the protocol promises."""

from datetime import UTC

import pytest

from hmi.base.clock import Clock, SystemClock
from tests.fakes.clock import FakeClock


@pytest.mark.parametrize("clock", [SystemClock(), FakeClock()], ids=["system", "fake"])
def test_a_clock_never_goes_back_and_tells_the_time_in_utc(clock: Clock) -> None:
    before = clock.monotonic()
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC


def test_the_fake_clock_moves_when_it_is_told_to() -> None:
    clock = FakeClock()
    started, began = clock.monotonic(), clock.now()
    clock.advance(90)
    assert clock.monotonic() - started == 90
    assert (clock.now() - began).total_seconds() == 90
