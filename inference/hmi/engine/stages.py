"""Where a batch's second stage, the forward, runs: on the engine thread, or beside it while the next batch
is retrieved and promoted."""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from hmi.base.own_thread import use_one_core
from hmi.engine.inbox import Inbox

T = TypeVar("T")


class ComputeStage(Protocol):
    """Runs one piece of work after the other. submit() and close() from the engine thread."""

    @property
    def depth(self) -> int:
        """Batches that may be between the stages and in the second one: more are not submitted."""

    def enter(self) -> None:
        """The calling thread is the engine thread, and begins."""

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Run ``work``, which does not raise; then ``done`` with what it gave, on the engine thread."""

    def close(self) -> None:
        """Wait until nothing runs any more."""


class SameThread:
    """The stages one after the other: for tests that step by hand, and to compare with."""

    depth = 1

    def enter(self) -> None:
        pass

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        done(work())

    def close(self) -> None:
        pass


class ComputeThread:
    """A thread of its own: while it computes one batch, one more may be ready for it."""

    depth = 2

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="compute", daemon=True)
        self._thread.start()

    def enter(self) -> None:
        use_one_core()  # the others are this stage's

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._calls.put(lambda: self._inbox.post(partial(done, work())))

    def close(self) -> None:
        self._calls.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
