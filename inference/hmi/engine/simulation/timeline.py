"""Simulated time: a clock that moves from event to event."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Timeline:
    """A Clock, and what will happen when; events of one moment in the order in which they were added.

    ``on_pass`` is told of every stretch of time, in seconds, while all is as it is during it.
    """

    def __init__(self, on_pass: Callable[[float], None] = lambda seconds: None) -> None:
        self._on_pass = on_pass
        self._now_s = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._num_added = 0

    def monotonic(self) -> float:
        return self._now_s

    def now(self) -> datetime:
        return _BEGINNING + timedelta(seconds=self._now_s)

    @property
    def next_event_s(self) -> float | None:
        """When the next event happens; None: nothing will."""
        return self._events[0][0] if self._events else None

    def at(self, time_s: float, event: Callable[[], None]) -> None:
        """``event`` happens at ``time_s``, or now if that has passed."""
        self._num_added += 1
        heapq.heappush(self._events, (time_s, self._num_added, event))

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass; what happens meanwhile happens at its own time."""
        end_s = self._now_s + seconds
        while self._events and self._events[0][0] <= end_s:
            time_s, _, event = heapq.heappop(self._events)
            self._pass_until(time_s)
            event()
        self._pass_until(end_s)

    def _pass_until(self, time_s: float) -> None:
        if time_s > self._now_s:
            self._on_pass(time_s - self._now_s)
            self._now_s = time_s
