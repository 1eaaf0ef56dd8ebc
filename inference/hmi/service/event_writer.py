"""Carries events from their spool into the catalog, in batches, each event once."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from hmi.service.database_calls import answered_within
from hmi.service.event_spool import EventSpool
from wire.connections import VANISHED

BATCH_EVENTS = 1000
CONNECT_TIMEOUT_S = 5
INSERT_TIMEOUT_S = 30.0

EventT = TypeVar("EventT")
EventT_contra = TypeVar("EventT_contra", contravariant=True)

log = structlog.get_logger(__name__)


class EventsNotTaken(Exception):
    """The catalog does not take events now."""


class EventsRefused(Exception):
    """The catalog will never take at least one of these events, and has taken none of them now. ``reason``
    holds nothing of theirs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EventSink(Protocol[EventT_contra]):
    """Where events of one kind go."""

    async def insert(self, events: Sequence[EventT_contra]) -> None:
        """Insert those that are not there yet; raises EventsNotTaken, and then any may be there, or
        EventsRefused."""

    async def close(self) -> None: ...


class PostgresEventSink(Generic[EventT]):
    """A table of the catalog, by the role that may only insert. Connects when needed."""

    def __init__(
        self, url: str, table: str, kind: type[EventT], *, insert_timeout_s: float = INSERT_TIMEOUT_S
    ) -> None:
        """``kind`` is a dataclass of wire.usage: its fields are the table's columns."""
        self._url = url
        self._insert_timeout_s = insert_timeout_s
        self._columns = _columns(kind)
        self._insert_rows = _insertion(table, self._columns)
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def insert(self, events: Sequence[EventT]) -> None:
        try:
            if self._connection is None:
                self._connection = await self._connect()
            rows = msgspec.json.encode(events).decode()
            await answered_within(
                self._insert_timeout_s,
                self._connection,
                self._connection.execute(self._insert_rows, [rows]),
            )
        except psycopg.errors.NotNullViolation as exc:
            if exc.diag.column_name in self._columns:
                raise _refused(exc) from exc
            raise EventsNotTaken(
                f"the table asks for {exc.diag.column_name}, which this release does not know: it is a newer "
                "one's, whose service sends what waits here"
            ) from exc
        except (psycopg.DataError, psycopg.IntegrityError) as exc:
            raise _refused(exc) from exc
        except (psycopg.Error, TimeoutError) as exc:
            await self.close()
            raise EventsNotTaken(f"{type(exc).__name__}: {exc}".strip()) from exc

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _connect(self) -> "psycopg.AsyncConnection[Any]":
        return await psycopg.AsyncConnection.connect(
            make_conninfo(self._url, **VANISHED),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="hmi-service-usage",
        )


class EventWriter(Generic[EventT]):
    """One task of the event loop (run). While the catalog is away the spool grows, not the memory."""

    def __init__(
        self,
        spool: EventSpool[EventT],
        sink: EventSink[EventT],
        *,
        flush_s: float,
        on_sent: Callable[[Sequence[EventT]], None],
    ) -> None:
        """``on_sent`` is told, file by file, which events are in the catalog, or will never be."""
        self._spool = spool
        self._sink = sink
        self._flush_s = flush_s
        self._on_sent = on_sent

    async def run(self) -> None:
        """Flush every ``flush_s`` until cancelled."""
        while True:
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Send what the spool holds; what cannot be sent stays for the next time."""
        for path in self._spool.seal():
            events = self._spool.read(path)
            refused: dict[EventT, str] = {}
            try:
                for first in range(0, len(events), BATCH_EVENTS):
                    refused |= await self._refused_of(events[first : first + BATCH_EVENTS])
            except EventsNotTaken as exc:
                log.warning("events_not_sent", reason=str(exc), spooled_bytes=self._spool.num_bytes)
                return
            if refused:
                reasons = sorted(set(refused.values()))
                log.error("events_refused", file=path.name, num_events=len(refused), reasons=reasons)
                if not self._spool.set_aside(path, list(refused)):
                    return
            self._spool.remove(path)
            self._on_sent(events)

    async def _refused_of(self, events: Sequence[EventT]) -> dict[EventT, str]:
        """Insert ``events`` but those that the catalog refuses; these, and why. Raises EventsNotTaken."""
        try:
            await self._sink.insert(events)
        except EventsRefused as exc:
            if len(events) == 1:
                return {events[0]: exc.reason}
            middle = len(events) // 2
            return await self._refused_of(events[:middle]) | await self._refused_of(events[middle:])
        return {}

    async def close(self) -> None:
        """Let go of sink and spool; what has not been sent stands in the spool for the next start."""
        await self._sink.close()
        self._spool.close()


def _refused(exc: psycopg.Error) -> EventsRefused:
    """By its number and the constraint's name: the words quote the row."""
    return EventsRefused(f"{exc.sqlstate} {exc.diag.constraint_name or ''}".strip())


def _columns(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind)]


def _insertion(table: str, names: Sequence[str]) -> str:
    # One statement however many rows: what the table sums up by trigger is summed once.
    columns = ", ".join(names)
    return (
        f"INSERT INTO {table} ({columns})"
        f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) ON CONFLICT DO NOTHING"
    )
