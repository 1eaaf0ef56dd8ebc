"""Polls a condition with a deadline: how everything here waits for another process."""

import time
from collections.abc import Callable

POLL_S = 0.05


def wait_until(condition: Callable[[], bool], *, deadline_s: float, poll_s: float = POLL_S) -> bool:
    """Whether ``condition`` became true within ``deadline_s``; it is asked at least once."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(poll_s)
    return True
