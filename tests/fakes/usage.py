"""A table of usage events that lives in a test."""

from collections.abc import Sequence

from hmi.service.usage_writer import UsageUnavailable
from wire.ids import EventId
from wire.usage import UsageEvent


class FakeUsageTable:
    """Implements UsageSink: events by id, each once. After ``fails_after`` events the connection is lost."""

    def __init__(self) -> None:
        self.events: dict[EventId, UsageEvent] = {}
        self.is_away = False
        self.fails_after: int | None = None

    async def insert(self, events: Sequence[UsageEvent]) -> None:
        if self.is_away:
            raise UsageUnavailable("the catalog is away")
        for number, event in enumerate(events):
            if self.fails_after is not None and number >= self.fails_after:
                raise UsageUnavailable("the connection was lost")
            self.events[event.id] = event

    async def close(self) -> None:
        pass
