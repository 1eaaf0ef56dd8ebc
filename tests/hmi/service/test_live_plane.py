"""LivePlane: adapters that come, for whom, and who holds them."""

import asyncio
import queue
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.base.errors import BundleBroken
from hmi.cli.open_plane import open_plane
from hmi.engine.request import HplmRef
from hmi.memory.loader import NUM_ADAPTER_LOADERS, Source
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.service.live_plane import LivePlane
from hmi.service.sources import Sources, store_sources
from tests.fakes.settings import service_settings
from tests.tiny.store import TinyStore
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import Digest

WAIT_S = 60


class HeldBack:
    """Adapters that come when a test lets them."""

    def __init__(self) -> None:
        self.may_come = threading.Semaphore(0)  # one more a release
        self.began: queue.SimpleQueue[BundleRef] = queue.SimpleQueue()

    def over(self, real: Source[BundleRef, PackedHplm]) -> "HeldBack":
        self._real = real
        return self

    def measure(self, key: BundleRef) -> int:
        return self._real.measure(key)

    def read(self, key: BundleRef) -> PackedHplm:
        self.began.put(key)
        assert self.may_come.acquire(timeout=WAIT_S)
        return self._real.read(key)


def plane_of(store: TinyStore, folder: Path, adapters: HeldBack) -> LivePlane:
    def sources(
        store: Store, backbone: Digest, fields: BackboneFields, bank: HplmBank, copies: PackedCopies
    ) -> Sources:
        real = store_sources(store, backbone, fields, bank, copies)
        return replace(real, adapters=adapters.over(real.adapters))

    return open_plane(
        store.backbone_ref,
        service_settings(store.url, folder),
        store.store,
        on_batch=lambda batch: None,
        make_sources=sources,
    )


@pytest.mark.parametrize("when", ["before", "in the same moment"])
def test_an_adapter_whose_caller_hangs_up_as_it_comes_may_be_evicted(
    tiny_store: TinyStore, tmp_path: Path, when: str
) -> None:
    """It was held for good where it came before the end of its caller was seen: the host tier filled up."""
    adapters = HeldBack()
    plane = plane_of(tiny_store, tmp_path, adapters)
    adapter = tiny_store.publish_adapter(seed=91)

    async def hang_up() -> None:
        asking = asyncio.create_task(plane.describe(HplmRef(adapter, tiny_store.trees["general"])))
        await asyncio.sleep(0)
        assert not asking.done(), "it waits for the adapter"
        later = plane.adapters.acquire(adapter)  # told after it
        if when == "before":
            asking.cancel()
        adapters.may_come.release()
        later.result(WAIT_S).release()  # the loop stands still meanwhile
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(hang_up())
    assert plane.adapters.resident_bytes().keys() == {adapter}
    plane.adapters.quarantine(adapter, BundleBroken("found later"))  # evicts what nobody holds
    assert not plane.adapters.resident_bytes(), "somebody holds it"
    plane.close()


def test_a_request_does_not_wait_for_all_that_was_just_deployed(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    """Where thousands of tasks got new versions at once, every load waited until all of theirs were done."""
    adapters = HeldBack()
    plane = plane_of(tiny_store, tmp_path, adapters)
    tree = tiny_store.trees["general"]
    before, asked_for = (tiny_store.publish_adapter(seed=seed) for seed in (0, 1))
    new = [tiny_store.publish_adapter(seed=seed) for seed in range(2, 2 + 2 * NUM_ADAPTER_LOADERS)]
    plane.follow_now(frozenset({HplmRef(before, tree)}))
    plane.follow_now(frozenset(HplmRef(adapter, tree) for adapter in (before, *new)))
    future = plane.adapters.acquire(asked_for)
    began = [adapters.began.get(timeout=WAIT_S) for _ in range(NUM_ADAPTER_LOADERS)]
    adapters.may_come.release()
    began.append(adapters.began.get(timeout=WAIT_S))
    assert asked_for in began, "behind those that had begun"
    adapters.may_come.release(len(new))
    future.result(WAIT_S).release()
    plane.close()
