"""Keeps the events of all answers of a moment with one write."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from hmi.service.event_spool import EventSpool

EventT = TypeVar("EventT")


class JointEvents(Generic[EventT]):
    """Over a spool. Event loop only. A write is a system call, at which the loop gives the interpreter up."""

    def __init__(self, spool: EventSpool[EventT], *, on_lost: Callable[[Sequence[EventT]], None]) -> None:
        """``on_lost`` is told which events the spool could not take."""
        self._spool = spool
        self._on_lost = on_lost
        self._events: list[EventT] = []
        self._waiters: list[asyncio.Future[None]] = []

    async def keep(self, event: EventT) -> None:
        """Returns when the spool has ``event`` or has lost it. It gets it also when nobody waits any more."""
        loop = asyncio.get_running_loop()
        if not self._events:
            loop.call_soon(self._write)
        written: asyncio.Future[None] = loop.create_future()
        self._events.append(event)
        self._waiters.append(written)
        await written

    def _write(self) -> None:
        events, self._events = self._events, []
        waiters, self._waiters = self._waiters, []
        error: Exception | None = None
        try:
            self._on_lost(self._spool.append(*events))
        except Exception as exc:  # noqa: BLE001 a bug: whoever waits is told
            error = exc
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)
