"""The signals that ask us to stop: Ctrl-C, SIGTERM, a closed terminal."""

import signal
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_signals() -> None:
    """Let those through that ./hmi held back while this program was being loaded."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def on_stop_signals(call: Callable[[], None]) -> Iterator[None]:
    """Within the block each of them calls ``call``. nohup has a closed terminal ignored, and so it stays."""

    def handle(_number: int, _frame: types.FrameType | None) -> None:
        call()

    numbers = [number for number in STOP_SIGNALS if not _is_by_nohup(number)]
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _is_by_nohup(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
