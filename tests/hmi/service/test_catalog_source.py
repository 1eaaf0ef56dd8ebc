"""Reading a catalog of thousands of tenants lets whatever else waits for the event loop go on."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast
from uuid import UUID

import psycopg

from hmi.service.catalog_source import ROWS_AT_A_TIME, PostgresCatalogConnection
from wire.catalog import KEYS_VIEW

NUM_KEYS = 3_000


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
        rows = await PostgresCatalogConnection(connection).read()
        other.cancel()
        return len(rows.keys)

    assert asyncio.run(read()) == NUM_KEYS
    assert turns >= NUM_KEYS / ROWS_AT_A_TIME
