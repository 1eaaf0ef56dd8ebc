"""SIGTERM: at once, or when the work allows it."""

import os
import signal
from collections.abc import Iterator

import pytest

from hmi.build.interruption import INTERRUPTED_STATUS, Interruption


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = signal.getsignal(signal.SIGTERM)
    made = Interruption()
    made.install()
    yield made
    signal.signal(signal.SIGTERM, before)


def test_the_process_leaves_at_once(interruption: Interruption) -> None:
    with pytest.raises(SystemExit) as caught:
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == INTERRUPTED_STATUS


def test_work_that_can_be_left_only_between_steps_is_asked(interruption: Interruption) -> None:
    with interruption.deferred():
        assert not interruption.is_asked
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.is_asked
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)
