"""PlaneHolder: what the catalog says while the service ends."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from structlog.testing import capture_logs

from hmi.engine.request import HplmRef
from hmi.service.plane import Plane, PlaneHolder
from hmi.service.snapshot import CatalogRows, CatalogSnapshot
from tests.fakes.loop import on_a_loop
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest

BACKBONE = BundleRef(BundleUri("backbone"), Digest("backbone"))


class FollowingPlane:
    """Follows on a thread of its own, as LivePlane does; that has ended when it is closed."""

    has_lower_layers = True
    backbone = BACKBONE

    def __init__(self) -> None:
        self.num_followed = 0
        self._follower = ThreadPoolExecutor(1)

    def start(self) -> None:
        pass

    def follow(self, served: frozenset[HplmRef]) -> None:
        self._follower.submit(lambda: None)
        self.num_followed += 1

    def close(self) -> None:
        self._follower.shutdown()


@on_a_loop
async def test_a_catalog_that_changes_while_the_plane_closes_is_not_followed() -> None:
    """Its thread has ended; that was taken for a bug of the reading, with each change anew."""
    plane, snapshot = FollowingPlane(), CatalogSnapshot.of(CatalogRows([], [], [], [], BACKBONE), 0.0)
    holder = PlaneHolder(lambda ref: cast(Plane, plane), configured=None)
    holder.follow(snapshot)
    while not holder.is_open:
        await asyncio.sleep(0)
    holder.follow(snapshot)
    assert plane.num_followed == 2
    await holder.close(within_s=60)
    holder.follow(snapshot)
    assert plane.num_followed == 2


class HangingPlane(FollowingPlane):
    """One of its forwards never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.goes_on = threading.Event()

    def gauges(self) -> dict[str, float]:
        return {"hmi_open_requests": 2}

    def close(self) -> None:
        self.goes_on.wait()


@on_a_loop
async def test_a_plane_that_hangs_is_left_behind() -> None:
    plane = HangingPlane()
    snapshot = CatalogSnapshot.of(CatalogRows([], [], [], [], BACKBONE), 0.0)
    holder = PlaneHolder(lambda ref: cast(Plane, plane), configured=None)
    holder.follow(snapshot)
    while not holder.is_open:
        await asyncio.sleep(0)
    with capture_logs() as logs:
        await holder.close(within_s=0.01)
    plane.goes_on.set()
    assert holder.is_stuck
    assert logs == [{"event": "plane_not_closed", "log_level": "error", "waited_s": 0.01, "open_requests": 2}]
