"""Reading a catalog of thousands of tenants lets whatever else waits for the event loop go on, and a database
that says nothing any more is left."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self, cast
from uuid import UUID

import psycopg
import pytest

from hmi.service.catalog_source import (
    READ_TIMEOUT_S,
    ROWS_AT_A_TIME,
    CatalogUnavailable,
    PostgresCatalogConnection,
    PostgresCatalogSource,
)
from hmi.service.event_writer import EventsNotTaken, PostgresEventSink
from tests.conftest import DatabaseUrls
from tests.fakes.stalling_proxy import StallingProxy
from wire.catalog import KEYS_VIEW, USAGE_TABLE
from wire.usage import UsageEvent

NUM_KEYS = 3_000
WAIT_S = 120


class ManyKeys:
    """As much of psycopg as a read needs: thousands of keys, and nothing else."""

    def __init__(self) -> None:
        self._left: list[tuple[Any, ...]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield

    @asynccontextmanager
    async def cursor(self) -> AsyncIterator[Self]:
        yield self

    async def execute(self, query: str) -> None:
        self._left = [_row(number) for number in range(NUM_KEYS)] if KEYS_VIEW in query else []

    async def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        some, self._left = self._left[:size], self._left[size:]
        return some

    async def fetchone(self) -> None:
        return None


def _row(number: int) -> tuple[Any, ...]:
    sha256 = hashlib.sha256(str(number).encode()).digest()
    return sha256, UUID(int=number + 1), UUID(int=number + 1), ["predict"], None, None


def test_others_have_their_turn_between_a_few_rows_and_the_next() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def read() -> int:
        other = asyncio.create_task(count_turns())
        connection = cast("psycopg.AsyncConnection[Any]", ManyKeys())
        rows = await PostgresCatalogConnection(connection, read_timeout_s=READ_TIMEOUT_S).read()
        other.cancel()
        return len(rows.keys)

    assert asyncio.run(read()) == NUM_KEYS
    assert turns >= NUM_KEYS / ROWS_AT_A_TIME


@pytest.mark.database
def test_a_database_that_hangs_is_left_with_no_connection_more(database_urls: DatabaseUrls) -> None:
    async def scenario(proxy: StallingProxy) -> None:
        source = PostgresCatalogSource(proxy.leads(database_urls.catalog), read_timeout_s=WAIT_S)
        with pytest.raises(CatalogUnavailable):
            async with source.connect(lambda: None) as connection:
                await connection.read()
                proxy.stall()
                assert isinstance(connection, PostgresCatalogConnection)
                connection._read_timeout_s = 0.2
                await connection.read()

    with StallingProxy.to(database_urls.catalog) as proxy:
        asyncio.run(asyncio.wait_for(scenario(proxy), WAIT_S))
        assert proxy.most_open == 2


@pytest.mark.database
def test_a_change_is_heard_of_without_being_asked_for(database_urls: DatabaseUrls) -> None:
    def change() -> None:
        with psycopg.connect(database_urls.owner, autocommit=True) as owner:
            owner.execute("SELECT set_config('hmi.scope', 'operator', false)")
            owner.execute("UPDATE tenant SET is_active = is_active WHERE false")

    async def scenario() -> None:
        heard = asyncio.Event()
        source = PostgresCatalogSource(database_urls.catalog, read_timeout_s=WAIT_S)
        async with source.connect(heard.set) as connection:
            await connection.read()
            for _ in range(3):
                assert not heard.is_set()
                await asyncio.to_thread(change)
                await asyncio.wait_for(heard.wait(), WAIT_S)
                heard.clear()

    asyncio.run(scenario())


@pytest.mark.database
def test_a_key_that_never_expires_is_read_whatever_the_time_zone(database_urls: DatabaseUrls) -> None:
    async def expiries() -> list[datetime | None]:
        source = PostgresCatalogSource(f"{database_urls.catalog}?options=-ctimezone%3DEurope/Berlin")
        async with source.connect(lambda: None) as connection:
            return [key.expires_at for key in (await connection.read()).keys]

    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        owner.execute("SELECT set_config('hmi.scope', 'operator', false)")
        tenant = owner.execute(
            "INSERT INTO tenant (id, name, slug, is_active, created_at)"
            " VALUES (gen_random_uuid(), 'a', 'a-key-for-ever', true, now()) RETURNING id"
        ).fetchone()
        assert tenant is not None
        try:
            owner.execute(
                "INSERT INTO api_key (id, tenant_id, name, key_sha256, prefix, scopes, kind, expires_at,"
                " created_at) VALUES (gen_random_uuid(), %s, 'a', '\\x01', 'hmi_', '{predict}', 'service',"
                " '9999-12-31 23:59:59Z', now())",
                tenant,
            )
            assert asyncio.run(expiries()) == [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)]
        finally:
            owner.execute("DELETE FROM api_key WHERE tenant_id = %s", tenant)
            owner.execute("DELETE FROM tenant WHERE id = %s", tenant)


@pytest.mark.database
def test_who_stops_reading_from_a_database_that_hangs_leaves_at_once(database_urls: DatabaseUrls) -> None:
    async def scenario(proxy: StallingProxy) -> None:
        source = PostgresCatalogSource(proxy.leads(database_urls.catalog), read_timeout_s=1000)

        async def read_on() -> None:
            async with source.connect(lambda: None) as connection:
                while True:
                    await connection.read()
                    has_read.set()

        has_read = asyncio.Event()
        reading = asyncio.create_task(read_on())
        await has_read.wait()
        proxy.stall()
        while proxy.num_held_bytes == 0:  # the query has been sent
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with StallingProxy.to(database_urls.catalog) as proxy:
        asyncio.run(asyncio.wait_for(scenario(proxy), WAIT_S))
        assert proxy.most_open == 2  # a connection more would have asked the server to cancel the query


@pytest.mark.database
def test_events_are_not_taken_by_a_database_that_hangs(database_urls: DatabaseUrls) -> None:
    async def scenario(proxy: StallingProxy) -> None:
        url = proxy.leads(database_urls.usage)
        sink = PostgresEventSink(url, USAGE_TABLE, UsageEvent, insert_timeout_s=WAIT_S)
        await sink.insert([])
        proxy.stall()
        sink._insert_timeout_s = 0.2
        with pytest.raises(EventsNotTaken):
            await sink.insert([])
        assert proxy.most_open == 1
        proxy.go_on()
        sink._insert_timeout_s = WAIT_S
        await sink.insert([])
        await sink.close()

    with StallingProxy.to(database_urls.usage) as proxy:
        asyncio.run(asyncio.wait_for(scenario(proxy), WAIT_S))
