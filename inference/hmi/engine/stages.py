"""Where a batch's second stage, the forward, runs: on the engine thread, or on threads beside it while the
next batch is retrieved and promoted."""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

from hmi.base.own_thread import use_cores, use_one_core
from hmi.engine.inbox import Inbox

T = TypeVar("T")


class ComputeStage(Protocol):
    """Runs pieces of work, begun in order. submit() and close() from the engine thread."""

    @property
    def width(self) -> int:
        """Batches that are computed at a time."""

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

    width = 1
    depth = 1

    def enter(self) -> None:
        pass

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        done(work())

    def close(self) -> None:
        pass


class ComputeThreads:
    """Threads of their own: while each computes a batch, one more may be ready for whichever ends first.

    Two batches on a core each are answered sooner than one after the other on both: few of a forward's steps
    are large enough to be worth dividing, and every one that is divided waits for the slower half.
    """

    def __init__(self, inbox: Inbox, *, num_threads: int, cores_each: int) -> None:
        self.width = num_threads
        self.depth = num_threads + 1
        self._cores_each = cores_each
        self._inbox = inbox
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._loop, name=f"compute_{number}", daemon=True)
            for number in range(num_threads)
        ]
        for thread in self._threads:
            thread.start()

    def enter(self) -> None:
        use_one_core()  # the others are this stage's

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self._calls.put(lambda: self._inbox.post(partial(done, work())))

    def close(self) -> None:
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        use_cores(self._cores_each)
        while (call := self._calls.get()) is not None:
            call()
