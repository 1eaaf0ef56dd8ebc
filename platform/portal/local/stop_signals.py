"""The signals that ask us to stop: Ctrl-C, SIGTERM, a closed terminal."""

import signal
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_signals() -> None:
    """Let those through that ./hmi held back while this program was being loaded."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def on_stop_signals(call: Callable[[], None]) -> Iterator[None]:
    """Within the block each of them calls ``call``, in a thread of its own: it may take locks, which a
    handler must not, since what it interrupts may hold them. nohup has a closed terminal ignored, and so it
    stays; else that calls only where no other signal has: shell and kernel both tell of it, neither insists.
    """
    came: SimpleQueue[int | None] = SimpleQueue()  # the one queue that a handler may put into

    def handle(number: int, _frame: types.FrameType | None) -> None:
        came.put(number)

    teller = threading.Thread(target=_tell, args=(came, call), name="stop signals", daemon=True)
    numbers = [number for number in STOP_SIGNALS if not _is_by_nohup(number)]
    before = [signal.signal(number, handle) for number in numbers]
    teller.start()
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        came.put(None)
        teller.join()


def _tell(came: "SimpleQueue[int | None]", call: Callable[[], None]) -> None:
    is_first = True
    while (number := came.get()) is not None:
        if is_first or number != signal.SIGHUP:
            call()
        is_first = False


def _is_by_nohup(number: signal.Signals) -> bool:
    return number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN
