"""CatalogReader: the newest snapshot, refreshes that are shared and bounded, and a database that is away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from hmi.base.clock import SystemClock
from hmi.base.errors import HmiError
from hmi.base.units import MIB
from hmi.memory.budget import Budget
from hmi.memory.tier import MemoryTier
from hmi.service.catalog_reader import CatalogReader, CatalogReaderConfig
from hmi.service.catalog_room import CatalogRoom
from hmi.service.catalog_source import CatalogSource, PostgresCatalogSource
from hmi.service.snapshot import CatalogRows, CatalogSnapshot
from tests.conftest import DatabaseUrls
from tests.fakes.catalog import FakeCatalog
from tests.fakes.clock import FakeClock
from wire.catalog import TaskRow
from wire.errors import ErrorCode
from wire.ids import TenantId

WAIT_S = 60


class World:
    def __init__(
        self,
        *,
        min_interval_s: float = 0,
        poll_s: float = 1000,
        refresh_wait_s: float = 1000,
        max_waiting: int = 1000,
        catalog: FakeCatalog | None = None,
        source: CatalogSource | None = None,
        room_bytes: int = MIB,
    ) -> None:
        """``source`` is read instead of ``catalog``."""
        self.catalog = catalog or FakeCatalog()
        self.clock = FakeClock()
        self.snapshots: list[CatalogSnapshot] = []
        self.arrived = asyncio.Event()
        self.reader = CatalogReader(
            source or self.catalog,
            CatalogReaderConfig(
                poll_s=poll_s,
                staleness_s=100,
                min_interval_s=min_interval_s,
                retry_s=0.001,
                refresh_wait_s=refresh_wait_s,
                max_waiting=max_waiting,
            ),
            clock=self.clock,
            on_snapshot=self._take,
            room=CatalogRoom(Budget(MemoryTier.HOST, room_bytes), max_bytes=room_bytes),
        )

    def _take(self, snapshot: CatalogSnapshot) -> None:
        self.snapshots.append(snapshot)
        self.arrived.set()

    async def next_snapshot(self) -> CatalogSnapshot:
        await asyncio.wait_for(self.arrived.wait(), WAIT_S)
        self.arrived.clear()
        return self.snapshots[-1]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.reader.run())
        try:
            await self.next_snapshot()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class LongRows(list[TaskRow]):
    """Takes as long to go through as the test wants, and notes who does."""

    def __init__(self, rows: Sequence[TaskRow]) -> None:
        super().__init__(rows)
        self.readers: set[int] = set()
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __iter__(self) -> Iterator[TaskRow]:
        self.readers.add(threading.get_ident())
        self.has_begun.set()
        if threading.current_thread() is not threading.main_thread():  # it would wait for itself
            assert self.may_end.wait(WAIT_S)
        return super().__iter__()


class LongCatalog(FakeCatalog):
    def __init__(self) -> None:
        super().__init__()
        self.long = LongRows([])

    async def read(self) -> CatalogRows:
        rows = await super().read()
        self.long = LongRows(rows.tasks)
        return replace(rows, tasks=self.long)


def test_the_event_loop_goes_on_while_thousands_of_tenants_are_indexed() -> None:
    async def scenario() -> None:
        catalog = LongCatalog()
        world = World(catalog=catalog)
        catalog.deploy("acme", "news", adapter=None, tree=None)
        reading = asyncio.create_task(world.reader.run())
        while not catalog.long.has_begun.is_set():
            await asyncio.sleep(0)
        assert not world.snapshots, "the loop had its turn only after the index was made"
        catalog.long.may_end.set()
        assert set((await world.next_snapshot()).tasks) == {"acme"}
        assert threading.get_ident() not in catalog.long.readers
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(scenario())


def test_a_change_that_is_announced_is_read() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.catalog.deploy("acme", "news", adapter=None, tree=None)
            await world.next_snapshot()
            assert set(world.reader.current().tasks[TenantId("acme")]) == {"news"}

    asyncio.run(scenario())


def test_a_change_that_is_not_announced_is_read_in_time() -> None:
    async def scenario() -> None:
        world = World(poll_s=0.01)
        world.catalog.is_silent = True
        async with world.running():
            world.catalog.add_key("hmi_x", "acme")
            while not (await world.next_snapshot()).keys:
                pass

    asyncio.run(scenario())


def test_many_who_ask_for_a_refresh_share_one() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.clock.advance(1)
            before = world.catalog.num_reads
            await asyncio.wait_for(asyncio.gather(*(world.reader.refresh() for _ in range(50))), WAIT_S)
            assert world.catalog.num_reads == before + 1

    asyncio.run(scenario())


def test_reads_keep_their_distance_however_often_one_is_wanted() -> None:
    async def scenario() -> None:
        world = World(min_interval_s=0.2)
        start = (
            SystemClock().monotonic()
        )  # before the first reading, from which the next one keeps its distance
        async with world.running():
            reads = world.catalog.num_reads
            for _ in range(3):
                world.clock.advance(1)
                await asyncio.wait_for(world.reader.refresh(), WAIT_S)
            assert world.catalog.num_reads - reads == 3
            assert SystemClock().monotonic() - start >= 0.55

    asyncio.run(scenario())


def test_a_catalog_that_is_away_is_said_and_found_again() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.catalog.add_key("hmi_x", "acme")
            await world.next_snapshot()
            world.catalog.go_away()
            while world.reader.is_connected:
                await asyncio.sleep(0)
            _refused_at_once(world.reader)
            assert len(world.reader.current().keys) == 1
            world.catalog.add_key("hmi_y", "acme")
            world.catalog.is_away = False
            world.arrived.clear()
            assert len((await world.next_snapshot()).keys) == 2
            await asyncio.wait_for(world.reader.refresh(), WAIT_S)

    asyncio.run(scenario())


@pytest.mark.database
def test_a_catalog_of_an_older_release_is_said_and_read_once_it_is_up_to_date(
    database_urls: DatabaseUrls,
) -> None:
    """It was said that it cannot be reached."""

    async def scenario(owner: "psycopg.Connection[Any]") -> None:
        world = World(source=PostgresCatalogSource(database_urls.catalog, read_timeout_s=WAIT_S))
        owner.execute("ALTER VIEW serving_v1.tasks RENAME COLUMN leaf_uri TO absent_before")
        reading = asyncio.create_task(world.reader.run())
        try:
            async with asyncio.timeout(WAIT_S):
                while "older release" not in world.reader.problem:
                    await asyncio.sleep(0.01)  # the database is asked
            with pytest.raises(HmiError, match=r"manage\.py migrate --database owner"):
                world.reader.current()
        finally:
            owner.execute("ALTER VIEW serving_v1.tasks RENAME COLUMN absent_before TO leaf_uri")
        await world.next_snapshot()
        assert world.reader.problem == ""
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        asyncio.run(scenario(owner))


def test_of_a_catalog_that_hangs_one_caller_waits_a_while_and_the_next_ones_not_at_all() -> None:
    async def scenario() -> None:
        world = World(refresh_wait_s=0.01)
        async with world.running():
            world.catalog.hang()
            world.clock.advance(1)
            with pytest.raises(HmiError) as caught:
                await asyncio.wait_for(world.reader.refresh(), WAIT_S)
            assert caught.value.code is ErrorCode.CATALOG_STALE
            assert caught.value.retryable
            for _ in range(100):
                _refused_at_once(world.reader)
            assert world.catalog.num_stuck == 1  # one reading, however many have asked
            world.arrived.clear()
            world.catalog.go_on()
            await world.next_snapshot()
            assert await _waits(world.reader), "as long as it may"

    asyncio.run(scenario())


def test_those_who_wait_for_a_catalog_are_told_when_it_goes_away() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            asking = await _asking_while_it_hangs(world, 3)
            world.catalog.is_away = True
            world.catalog.go_on()
            ends = await asyncio.wait_for(asyncio.gather(*asking, return_exceptions=True), WAIT_S)
            assert [getattr(end, "code", None) for end in ends] == [ErrorCode.CATALOG_STALE] * 3

    asyncio.run(scenario())


def test_no_more_than_so_many_wait_at_once() -> None:
    async def scenario() -> None:
        world = World(max_waiting=3)
        async with world.running():
            asking = await _asking_while_it_hangs(world, 3)
            _refused_at_once(world.reader)
            world.catalog.go_on()
            await asyncio.wait_for(asyncio.gather(*asking), WAIT_S)
            world.clock.advance(1)
            await asyncio.wait_for(world.reader.refresh(), WAIT_S)

    asyncio.run(scenario())


async def _asking_while_it_hangs(world: World, num_callers: int) -> list[asyncio.Task[None]]:
    world.catalog.hang()
    world.clock.advance(1)
    asking = [asyncio.create_task(world.reader.refresh()) for _ in range(num_callers)]
    while not world.catalog.num_stuck:
        await asyncio.sleep(0)
    return asking


async def _waits(reader: CatalogReader) -> bool:
    """Whether who asks now is let wait for a reading."""
    asking = reader.refresh()
    try:
        asking.send(None)
    except HmiError:
        return False
    asking.close()
    return True


def _refused_at_once(reader: CatalogReader) -> None:
    """Without giving the event loop up once."""
    with pytest.raises(HmiError) as caught:
        reader.refresh().send(None)
    assert caught.value.code is ErrorCode.CATALOG_STALE


def test_a_snapshot_that_is_too_old_is_not_trusted() -> None:
    async def scenario() -> None:
        world = World()
        async with world.running():
            world.clock.advance(99)
            world.reader.current()
            world.clock.advance(2)
            with pytest.raises(HmiError) as caught:
                world.reader.current()
            assert caught.value.code is ErrorCode.CATALOG_STALE

    asyncio.run(scenario())


def test_a_catalog_that_has_outgrown_its_room_is_not_taken_over() -> None:
    async def scenario() -> None:
        world = World(room_bytes=10_000)
        async with world.running():
            world.catalog.add_key("hmi_x", "acme")
            await world.next_snapshot()
            world.catalog.is_silent = True
            for number in range(10):
                world.catalog.add_key(f"hmi_{number}", "acme")
            world.clock.advance(1)
            with pytest.raises(HmiError):
                await asyncio.wait_for(world.reader.refresh(), WAIT_S)
            assert len(world.reader.current().keys) == 1
            assert "HMI_HOST_BYTES" in world.reader.problem
            world.catalog.is_silent = False
            world.catalog.keys.clear()
            world.catalog.add_key("hmi_y", "acme")
            assert len((await world.next_snapshot()).keys) == 1
            assert not world.reader.problem

    asyncio.run(scenario())


def test_before_the_first_read_it_is_not_ready() -> None:
    async def scenario() -> None:
        with pytest.raises(HmiError) as caught:
            World().reader.current()
        assert caught.value.code is ErrorCode.NOT_READY

    asyncio.run(scenario())
