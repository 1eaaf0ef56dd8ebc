"""How other threads reach the engine thread: calls that it makes between two batches."""

import threading
from collections import deque
from collections.abc import Callable


class Inbox:
    """Calls to be made on the engine thread, in order. post() from any thread; the rest on the engine's."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._arrival = threading.Condition()

    def post(self, call: Callable[[], None]) -> None:
        with self._arrival:
            self._calls.append(call)
            self._arrival.notify()

    def run_all(self) -> None:
        """Make the calls that are there now; those that they post wait for the next time, and so do those
        behind one that raises: each is of somebody else."""
        for _ in range(len(self._calls)):
            self._calls.popleft()()

    def wait(self, timeout_s: float) -> None:
        """Until there is a call, at most ``timeout_s``."""
        with self._arrival:
            if not self._calls:
                self._arrival.wait(timeout_s)
