"""Carries usage events from the spool into the catalog, in batches, each event once."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Protocol

import psycopg
import structlog

from hmi.service.usage_spool import UsageSpool
from wire.catalog import USAGE_TABLE
from wire.usage import UsageEvent

BATCH_EVENTS = 1000
CONNECT_TIMEOUT_S = 5
INSERT_TIMEOUT_S = 30.0

log = structlog.get_logger(__name__)

_COLUMNS = tuple(field.name for field in fields(UsageEvent))
_INSERT = (
    f"INSERT INTO {USAGE_TABLE} ({', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join(['%s'] * len(_COLUMNS))}) ON CONFLICT DO NOTHING"
)


class UsageUnavailable(Exception):
    """The catalog does not take events now."""


class UsageSink(Protocol):
    """Where usage events go."""

    async def insert(self, events: Sequence[UsageEvent]) -> None:
        """Insert those that are not there yet; raises UsageUnavailable, and then any may be there."""

    async def close(self) -> None: ...


class PostgresUsageSink:
    """The catalog's table, by the role that may only insert. Connects when needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def insert(self, events: Sequence[UsageEvent]) -> None:
        try:
            await asyncio.wait_for(self._insert(events), INSERT_TIMEOUT_S)
        except (psycopg.Error, TimeoutError) as exc:
            await self.close()
            raise UsageUnavailable(f"{type(exc).__name__}: {exc}".strip()) from exc

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _insert(self, events: Sequence[UsageEvent]) -> None:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, connect_timeout=CONNECT_TIMEOUT_S, application_name="hmi-service-usage"
            )
        rows = [tuple(getattr(event, column) for column in _COLUMNS) for event in events]
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            await cursor.executemany(_INSERT, rows)


class UsageWriter:
    """One task of the event loop (run). While the catalog is away the spool grows, not the memory."""

    def __init__(self, spool: UsageSpool, sink: UsageSink, *, flush_s: float) -> None:
        self._spool = spool
        self._sink = sink
        self._flush_s = flush_s

    async def run(self) -> None:
        """Flush every ``flush_s`` until cancelled."""
        while True:
            await asyncio.sleep(self._flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Send what the spool holds; what cannot be sent stays for the next time."""
        for path in self._spool.seal():
            events = self._spool.read(path)
            try:
                for first in range(0, len(events), BATCH_EVENTS):
                    await self._sink.insert(events[first : first + BATCH_EVENTS])
            except UsageUnavailable as exc:
                log.warning("usage_not_sent", reason=str(exc), spooled_bytes=self._spool.num_bytes)
                return
            self._spool.remove(path)

    async def close(self) -> None:
        await self._sink.close()
