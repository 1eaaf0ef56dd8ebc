"""LivePlane: who stops waiting for an adapter holds nothing of it."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hmi.artifacts.packed_copies import PackedCopies
from hmi.artifacts.store import Store
from hmi.base.errors import BundleBroken
from hmi.cli.open_plane import open_plane
from hmi.engine.request import HplmRef
from hmi.memory.loader import Source
from hmi.model.hplm_bank import HplmBank, PackedHplm
from hmi.service.sources import Sources, store_sources
from tests.fakes.settings import service_settings
from tests.tiny.store import TinyStore
from wire.artifacts import BackboneFields, BundleRef
from wire.ids import Digest

WAIT_S = 60


class HeldBack:
    """Adapters that come when a test lets them."""

    def __init__(self, source: Source[BundleRef, PackedHplm], may_come: threading.Event) -> None:
        self._source = source
        self._may_come = may_come

    def measure(self, key: BundleRef) -> int:
        return self._source.measure(key)

    def read(self, key: BundleRef) -> PackedHplm:
        assert self._may_come.wait(WAIT_S)
        return self._source.read(key)


@pytest.mark.parametrize("when", ["before", "in the same moment"])
def test_an_adapter_whose_caller_hangs_up_as_it_comes_may_be_evicted(
    tiny_store: TinyStore, tmp_path: Path, when: str
) -> None:
    """It was held for good where it came just before its caller's end was seen: the host tier filled up."""
    may_come = threading.Event()

    def held_back(
        store: Store, backbone: Digest, fields: BackboneFields, bank: HplmBank, copies: PackedCopies
    ) -> Sources:
        real = store_sources(store, backbone, fields, bank, copies)
        return replace(real, adapters=HeldBack(real.adapters, may_come))

    settings = service_settings(tiny_store.url, tmp_path)
    plane = open_plane(
        tiny_store.backbone_ref,
        settings,
        tiny_store.store,
        on_batch=lambda batch: None,
        make_sources=held_back,
    )
    adapter = tiny_store.publish_adapter(seed=91)

    async def hang_up() -> None:
        asking = asyncio.create_task(plane.describe(HplmRef(adapter, tiny_store.trees["general"])))
        await asyncio.sleep(0)
        assert not asking.done(), "it waits for the adapter"
        later = plane.adapters.acquire(adapter)  # told after it
        if when == "before":
            asking.cancel()
        may_come.set()
        later.result(WAIT_S).release()  # the loop stands still meanwhile
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    asyncio.run(hang_up())
    assert plane.adapters.resident_bytes().keys() == {adapter}
    plane.adapters.quarantine(adapter, BundleBroken("found later"))  # evicts what nobody holds
    assert not plane.adapters.resident_bytes(), "somebody holds it"
    plane.close()
