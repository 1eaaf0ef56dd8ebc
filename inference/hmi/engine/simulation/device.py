"""A device and its memory tiers that take simulated time instead of computing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from hmi.base.errors import BudgetExceeded, HmiError
from hmi.engine.batch import Batch
from hmi.engine.inbox import Inbox
from hmi.engine.placement import BatchLeases, DeviceAdapter, HeadShape, PlacedHplm
from hmi.engine.request import DocumentAnswer, HplmRef
from hmi.engine.scheduler import Temperature
from hmi.engine.simulation.timeline import Timeline
from hmi.memory.eviction import LeastRecentlyUsed
from hmi.memory.residency import Lease, Residency, ResidencyState
from hmi.memory.room import NoRoom, SlotRoom
from hmi.memory.slots import Slot, SlotPool
from wire.artifacts import BundleRef
from wire.inference import Coverage

T = TypeVar("T")

EXACT_TOKEN_COST = 2.0
"""Of a token whose lower layers are computed: L / (L - k) of the default backbone, L = 6 and k = 3."""
_ONE = np.ones((1, 1), np.float32)
_ANSWER = DocumentAnswer(_ONE, Coverage(0.0, 0.0, 1.0, 0.0))
_EXACT_ANSWER = DocumentAnswer(_ONE, Coverage(0.0, 0.0, 0.0, 1.0), token_cost=EXACT_TOKEN_COST)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """How many adapters fit where, and how long everything takes."""

    num_slots: int  # adapters on the device
    num_host_adapters: int
    num_loaders: int  # loads from disk at the same time
    load_s: float  # one adapter, disk to host
    promote_s: float  # one adapter, host to device
    step_s: float  # a batch, however small
    token_s: float  # each token of it
    lookup_s: float = 0.0  # each token of it, beside the computing of the batch before

    def __post_init__(self) -> None:
        for name in ("num_slots", "num_host_adapters", "num_loaders"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("load_s", "promote_s", "step_s", "lookup_s"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative, got {getattr(self, name)}")
        if self.token_s <= 0:
            raise ValueError(f"token_s must be positive, got {self.token_s}")


class SimulatedRunner:
    """Takes the time of a look-up, tells that of a forward, and answers nothing of interest. Texts of
    requests with a floor are all below it."""

    def __init__(self, config: DeviceConfig, timeline: Timeline) -> None:
        self._config = config
        self._timeline = timeline
        self.busy_s = 0.0  # of all forwards so far

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Batch:
        self._timeline.advance(self._config.lookup_s * batch.num_tokens)
        return batch

    def compute(self, retrieved: Batch) -> Sequence[DocumentAnswer]:
        answers: list[DocumentAnswer] = []
        cost = 0.0
        for part in retrieved.parts:
            answer = _EXACT_ANSWER if part.request.coverage_floor else _ANSWER
            answers += [answer] * part.num_documents
            cost += part.num_tokens * answer.token_cost
        self.busy_s += self._config.step_s + self._config.token_s * cost
        return answers


class SimulatedStage:
    """A ComputeStage beside the engine's thread, as ComputeThreads of one thread is."""

    width = 1
    depth = 2

    def __init__(self, runner: SimulatedRunner, timeline: Timeline, inbox: Inbox) -> None:
        self._runner = runner
        self._timeline = timeline
        self._inbox = inbox
        self._free_at_s = 0.0

    def enter(self) -> None:
        pass

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        before_s = self._runner.busy_s
        outcome = work()
        begun_s = max(self._free_at_s, self._timeline.monotonic())
        self._free_at_s = begun_s + self._runner.busy_s - before_s
        self._timeline.at(self._free_at_s, lambda: self._inbox.post(partial(done, outcome)))

    def close(self) -> None:
        pass


class SimulatedPlacement:
    """The engine's Placement over the real residency of host and device; PLOT nodes are always there."""

    def __init__(self, config: DeviceConfig, timeline: Timeline, on_arrival: Callable[[], None]) -> None:
        self._config = config
        self._timeline = timeline
        self._on_arrival = on_arrival
        self._device: Residency[BundleRef, Slot, DeviceAdapter] = Residency(
            SlotRoom(SlotPool(config.num_slots)), LeastRecentlyUsed()
        )
        self._host: Residency[BundleRef, Slot, bool] = Residency(
            SlotRoom(SlotPool(config.num_host_adapters)), LeastRecentlyUsed()
        )
        self._held: dict[BundleRef, Lease[BundleRef, Slot, bool]] = {}
        self._loading: dict[BundleRef, set[HplmRef]] = {}
        self._loaders_free_at = [0.0] * config.num_loaders
        self._moved: dict[HplmRef, HmiError | None] = {}
        self.num_loads = 0
        self.num_promotions = 0
        self.num_placed = 0

    def advance(self, hplm: HplmRef) -> bool:
        if self._device.touch(hplm.adapter) or hplm.adapter in self._held:
            return True
        lease = self._host.acquire(hplm.adapter)
        if lease is not None:
            self._held[hplm.adapter] = lease
            return True
        if hplm.adapter not in self._loading:
            self._load(hplm.adapter)
        self._loading[hplm.adapter].add(hplm)
        return False

    def take_moved(self) -> Mapping[HplmRef, HmiError | None]:
        moved, self._moved = self._moved, {}
        return moved

    def let_go(self, hplm: HplmRef) -> None:
        lease = self._held.pop(hplm.adapter, None)
        if lease is not None:
            lease.release()

    def temperature(self, hplm: HplmRef) -> Temperature:
        if self._device.state(hplm.adapter) is ResidencyState.RESIDENT:
            return Temperature.HOT
        return Temperature.COLD if hplm.adapter in self._held else Temperature.GONE

    def lease(self, hplms: Sequence[HplmRef], *, is_alone: bool) -> BatchLeases:
        leases = BatchLeases()
        for hplm in hplms:
            self._device.touch(hplm.adapter)
        for hplm in hplms:
            lease = self._device.acquire(hplm.adapter) or self._promote(hplm.adapter)
            if lease is None:
                leases.postponed.add(hplm)
                continue
            leases.leases.enter_context(lease)
            leases.placed[hplm] = PlacedHplm(lease.value.slot, lease.value.head, ())
            self.num_placed += 1
            self.let_go(hplm)
        return leases

    def quarantine(self, hplm: HplmRef, error: HmiError) -> None:
        self.let_go(hplm)

    def check_integrity(self) -> None:
        self._device.check_integrity()
        self._host.check_integrity()

    def close(self) -> None:
        for lease in self._held.values():
            lease.release()
        self._held.clear()

    def _load(self, adapter: BundleRef) -> None:
        self._loading[adapter] = set()
        self._loaders_free_at.sort()
        end_s = max(self._loaders_free_at[0], self._timeline.monotonic()) + self._config.load_s
        self._loaders_free_at[0] = end_s
        self.num_loads += 1
        self._timeline.at(end_s, partial(self._arrived, adapter))

    def _arrived(self, adapter: BundleRef) -> None:
        error: HmiError | None = None
        try:
            self._host.begin_load(adapter, 1)
            self._held[adapter] = self._host.finish_load(adapter, True, num_leases=1)[0]
        except NoRoom as exc:
            error = BudgetExceeded(str(exc), needed_bytes=1, free_bytes=0, retryable=True)
        for hplm in self._loading.pop(adapter):
            self._moved[hplm] = error
        self._on_arrival()

    def _promote(self, adapter: BundleRef) -> Lease[BundleRef, Slot, DeviceAdapter] | None:
        if adapter not in self._held:
            return None  # evicted for another adapter of this batch
        try:
            slot = self._device.begin_load(adapter, 1)
        except NoRoom:
            return None
        self.num_promotions += 1
        self._timeline.advance(self._config.promote_s)
        return self._device.finish_load(adapter, DeviceAdapter(slot, HeadShape(1)), num_leases=1)[0]
