"""A table of events that lives in a test."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from hmi.service.event_writer import EventsNotTaken, EventsRefused
from wire.ids import EventId


class Event(Protocol):
    """Something counted."""

    @property
    def id(self) -> EventId: ...


EventT = TypeVar("EventT", bound=Event)


class FakeEventTable(Generic[EventT]):
    """Implements EventSink: events by id, each once. After ``fails_after`` events the connection is lost.

    Where one of ``refuses`` is among them, none is taken.
    """

    def __init__(self) -> None:
        self.events: dict[EventId, EventT] = {}
        self.is_away = False
        self.fails_after: int | None = None
        self.refuses: set[EventId] = set()

    async def insert(self, events: Sequence[EventT]) -> None:
        if self.is_away:
            raise EventsNotTaken("the catalog is away")
        if any(event.id in self.refuses for event in events):
            raise EventsRefused("22003")
        for number, event in enumerate(events):
            if self.fails_after is not None and number >= self.fails_after:
                raise EventsNotTaken("the connection was lost")
            self.events[event.id] = event

    async def close(self) -> None:
        pass
