"""Answering, where a part that it waits for says nothing."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest

from hmi.base.clock import SystemClock
from hmi.base.errors import DeadlineExceeded
from hmi.engine.request import HplmRef
from hmi.service.access import Grant, ServedVersion
from hmi.service.answering import Answering
from hmi.service.event_spool import EventSpool
from hmi.service.plane import Plane
from tests.fakes.catalog import FakeCatalog
from tests.fakes.loop import on_a_loop
from wire.artifacts import AdapterFields, BundleRef
from wire.ids import BundleUri, Digest, RequestId, VersionId
from wire.usage import ComparisonEvent

REF = BundleRef(BundleUri("x"), Digest("x"))


class SilentPlane:
    """Its disk hangs: no adapter comes, and none is known."""

    def __init__(self) -> None:
        self.num_waiting = 0

    def known(self, hplm: HplmRef) -> AdapterFields | None:
        return None

    async def describe(self, hplm: HplmRef) -> Any:
        self.num_waiting += 1
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.num_waiting -= 1


@on_a_loop
async def test_a_model_that_does_not_come_is_waited_for_until_the_deadline() -> None:
    """It was waited for without end, beside all the limits on what is open."""
    catalog, plane, clock = FakeCatalog(), SilentPlane(), SystemClock()
    catalog.add_key("key", "acme")
    catalog.deploy("acme", "reviews", adapter=REF, tree=REF)
    live = ServedVersion(HplmRef(REF, REF), VersionId("v"), 1)
    grant = Grant(catalog.keys["key"], catalog.tasks["acme", "reviews"], live, None)
    with TemporaryDirectory() as folder:
        comparisons = EventSpool(Path(folder), ComparisonEvent, max_bytes=1000)
        answering = Answering(clock=clock, comparisons=comparisons)
        with pytest.raises(DeadlineExceeded):
            await answering.answer(
                cast(Plane, plane),
                grant,
                ["text"],
                with_sets=False,
                deadline=clock.monotonic() + 0.02,
                request_id=RequestId("r"),
            )
    assert plane.num_waiting == 0
