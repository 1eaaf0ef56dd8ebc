"""How the engine's thread reaches the event loop: one wake-up for all answers of a batch."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class LoopCalls:
    """Calls to be made on an event loop, in order. post() from any thread.

    Waking a loop is a system call, at which the calling thread gives the interpreter up: a batch of 64
    answers would do so 64 times.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []

    def post(self, call: Callable[[], None]) -> None:
        """Does nothing when the loop has ended: nobody waits there any more."""
        with self._lock:
            self._calls.append(call)
            is_first = len(self._calls) == 1
        if is_first:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._run)

    async def result(self, future: "Future[T]") -> T:
        """What ``future``, which another thread ends, gives; cancelling the wait cancels it. On the loop."""
        waiter: asyncio.Future[T] = self._loop.create_future()
        future.add_done_callback(lambda done: self.post(partial(_tell, waiter, done)))
        try:
            return await waiter
        except asyncio.CancelledError:
            future.cancel()
            raise

    def _run(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, []
        for call in calls:
            call()


def _tell(waiter: "asyncio.Future[T]", done: "Future[T]") -> None:
    if waiter.done():
        return  # nobody waits any more
    if done.cancelled():
        waiter.cancel()
    elif (error := done.exception()) is not None:
        waiter.set_exception(error)
    else:
        waiter.set_result(done.result())
