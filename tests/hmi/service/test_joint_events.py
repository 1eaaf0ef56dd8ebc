"""Events that come together are written together, and before anybody goes on."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hmi.service.event_spool import EventSpool
from hmi.service.joint_events import JointEvents
from tests.fakes.loop import on_a_loop
from tests.hmi.service.test_events import event, spool_in
from wire.usage import UsageEvent


class CountingSpool(EventSpool[UsageEvent]):
    """Counts its writes."""

    num_writes = 0

    def append(self, *events: UsageEvent) -> Sequence[UsageEvent]:
        self.num_writes += 1
        return super().append(*events)


class BrokenSpool(EventSpool[UsageEvent]):
    """Its disk fails in a way that nobody foresaw."""

    def append(self, *events: UsageEvent) -> Sequence[UsageEvent]:
        raise OSError("the disk does not answer")


def none_is_lost(events: Sequence[UsageEvent]) -> None:
    assert not events


@on_a_loop
async def test_each_stands_in_the_spool_when_its_wait_ends() -> None:
    with TemporaryDirectory() as folder:
        spool = spool_in(Path(folder))
        joint = JointEvents(spool, on_lost=none_is_lost)

        async def kept(number: int) -> bool:
            await joint.keep(event(number))
            [path] = Path(folder).glob("*.jsonl")  # as another process would find it now
            return event(number) in spool.read(path)

        assert all(await asyncio.gather(*(kept(number) for number in range(20))))
        assert await kept(20)
        [path] = spool.seal()
        assert [each.num_texts for each in spool.read(path)] == list(range(21))


@on_a_loop
async def test_those_of_a_moment_are_one_write() -> None:
    with TemporaryDirectory() as folder:
        spool = CountingSpool(Path(folder), UsageEvent, max_bytes=10**6)
        joint = JointEvents(spool, on_lost=none_is_lost)
        await asyncio.gather(*(joint.keep(event(number)) for number in range(20)))
        assert spool.num_writes == 1


@on_a_loop
async def test_an_event_is_kept_though_its_caller_hangs_up() -> None:
    with TemporaryDirectory() as folder:
        spool = spool_in(Path(folder))
        joint = JointEvents(spool, on_lost=none_is_lost)
        gone = asyncio.ensure_future(joint.keep(event(1)))
        stays = asyncio.ensure_future(joint.keep(event(2)))
        await asyncio.sleep(0)
        gone.cancel()
        await stays
        [path] = spool.seal()
        assert spool.read(path) == [event(1), event(2)]


@on_a_loop
async def test_whoever_waits_for_a_spool_that_fails_is_told() -> None:
    """And waits no longer: the answer would never have left."""
    with TemporaryDirectory() as folder:
        joint = JointEvents(BrokenSpool(Path(folder), UsageEvent, max_bytes=1000), on_lost=none_is_lost)
        keeping = [asyncio.ensure_future(joint.keep(event(number))) for number in range(2)]
        done, _ = await asyncio.wait(keeping, timeout=60)
        assert len(done) == 2 and all(isinstance(each.exception(), OSError) for each in done)
