"""A device and its memory tiers that take simulated time instead of computing."""

from collections import deque
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
from hmi.memory.eviction import COPY_LOAD_BYTES, DISK_LOAD_BYTES, LeastWorth
from hmi.memory.residency import Lease, Residency, ResidencyState
from hmi.memory.room import NoRoom, SlotRoom
from hmi.memory.slots import Slot, SlotPool
from wire.artifacts import BundleRef
from wire.inference import Coverage

T = TypeVar("T")

EXACT_TOKEN_COST = 1.2
"""Of a token whose lower layers are computed: L / (L - k) of the default backbone, L = 6 and k = 1."""
_ONE = np.ones((1, 1), np.float32)
_ANSWER = DocumentAnswer(_ONE, Coverage(0.0, 0.0, 1.0, 0.0))
_EXACT_ANSWER = DocumentAnswer(_ONE, Coverage(0.0, 0.0, 0.0, 1.0), token_cost=EXACT_TOKEN_COST)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """How many adapters fit where, and how long everything takes."""

    num_slots: int  # adapters on the device
    num_host_adapters: int
    num_loaders: int  # loads from disk at the same time
    adapter_bytes: int  # of one, wherever it is
    load_s: float  # one adapter, disk to host
    load_core_s: float  # of that, work beside the forwards
    promote_s: float  # one adapter, host to device, on the engine's thread
    step_s: float  # a forward, however small, with the device for itself
    token_s: float  # each token of it
    adapter_s: float = 0.0  # each distinct adapter of it
    prepare_s: float = 0.0  # a batch, on the engine's thread, besides its look-ups and promotions
    lookup_s: float = 0.0  # each token, there
    num_forwards: int = 1  # at a time
    beside: float = 0.0  # of its time alone, what a forward takes longer for each other thread beside it

    def __post_init__(self) -> None:
        for name in ("num_slots", "num_host_adapters", "num_loaders", "adapter_bytes", "num_forwards"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in (
            "load_s",
            "promote_s",
            "step_s",
            "adapter_s",
            "prepare_s",
            "lookup_s",
            "beside",
            "load_core_s",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} cannot be negative, got {getattr(self, name)}")
        if self.token_s <= 0:
            raise ValueError(f"token_s must be positive, got {self.token_s}")
        if self.load_core_s > self.load_s:
            raise ValueError(f"load_core_s, {self.load_core_s}, is a part of load_s, {self.load_s}")

    def forward_s(self, num_tokens: float, num_adapters: float) -> float:
        """What a forward takes with the device for itself."""
        return self.step_s + self.token_s * num_tokens + self.adapter_s * num_adapters

    def slowdown(self, num_threads: int) -> float:
        """Times as long as alone that a forward takes while so many threads work, its own among them."""
        return 1 + self.beside * max(num_threads - 1, 0)


@dataclass(slots=True, eq=False)
class Forward:
    """A batch that is to be computed, what that takes with the device for itself, and what follows."""

    batch: Batch
    left_s: float
    done: Callable[[], None]


class SimulatedCores:
    """What runs at one time: forwards, the engine's thread, loaders. As long as they work beside each other
    they slow the forwards down."""

    def __init__(self, config: DeviceConfig, timeline: Timeline) -> None:
        self._config = config
        self._timeline = timeline
        self._running: list[Forward] = []
        self._ready: deque[Forward] = deque()
        self._num_others = 0  # threads that work and compute no forward
        self._since_s = 0.0  # what is left of those that run is of this moment
        self._num_changes = 0

    @property
    def num_running(self) -> int:
        """Forwards that are computed now."""
        return len(self._running)

    @property
    def num_requests(self) -> int:
        """Requests with a part in a batch that is computed or ready."""
        forwards = (*self._running, *self._ready)
        return len({part.request for forward in forwards for part in forward.batch.parts})

    def add(self, forward: Forward) -> None:
        """Compute it as soon as there is a place."""
        self._catch_up()
        self._ready.append(forward)
        self._go_on()

    def work_on_engine_thread(self, seconds: float) -> None:
        """Let it pass."""
        self.change_others(1)
        self._timeline.advance(seconds)
        self.change_others(-1)

    def change_others(self, num_threads: int) -> None:
        """So many more threads, or fewer, work now and compute no forward."""
        self._catch_up()
        self._num_others += num_threads
        self._go_on()

    @property
    def _slowdown(self) -> float:
        return self._config.slowdown(len(self._running) + self._num_others)

    def _catch_up(self) -> None:
        now_s = self._timeline.monotonic()
        for forward in self._running:
            forward.left_s -= (now_s - self._since_s) / self._slowdown
        self._since_s = now_s

    def _go_on(self) -> None:
        """Begin what may begin, and expect the end of what will end first."""
        while self._ready and len(self._running) < self._config.num_forwards:
            self._running.append(self._ready.popleft())
        self._num_changes += 1
        if self._running:
            left_s = min(forward.left_s for forward in self._running)
            end_s = self._since_s + left_s * self._slowdown
            self._timeline.at(end_s, partial(self._end_first, self._num_changes))

    def _end_first(self, num_changes: int) -> None:
        if num_changes != self._num_changes:
            return  # others have begun or ended since: another end is expected
        self._catch_up()
        first = min(self._running, key=lambda forward: forward.left_s)
        self._running.remove(first)
        first.done()
        self._go_on()


class SimulatedRunner:
    """Takes the time of a look-up, tells that of a forward, and answers nothing of interest. Texts of
    requests with a floor are all below it."""

    def __init__(self, config: DeviceConfig, cores: SimulatedCores) -> None:
        self._config = config
        self._cores = cores
        self.computed = Batch(())  # the last one
        self.forward_s = 0.0  # of it, with the device for itself

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Batch:
        lookup_s = self._config.lookup_s * batch.num_tokens
        self._cores.work_on_engine_thread(self._config.prepare_s + lookup_s)
        return batch

    def compute(self, retrieved: Batch) -> Sequence[DocumentAnswer]:
        answers: list[DocumentAnswer] = []
        tokens = 0.0
        for part in retrieved.parts:
            answer = _EXACT_ANSWER if part.request.coverage_floor else _ANSWER
            answers += [answer] * part.num_documents
            tokens += part.num_tokens * answer.token_cost
        self.computed = retrieved
        self.forward_s = self._config.forward_s(tokens, len({hplm.adapter for hplm in retrieved.hplms}))
        return answers


class SimulatedStage:
    """A ComputeStage beside the engine's thread, as ComputeThreads is."""

    def __init__(
        self, config: DeviceConfig, runner: SimulatedRunner, cores: SimulatedCores, inbox: Inbox
    ) -> None:
        self.width = config.num_forwards
        self.depth = config.num_forwards + 1
        self._runner = runner
        self._cores = cores
        self._inbox = inbox

    def enter(self) -> None:
        pass

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        outcome = work()
        self._cores.add(
            Forward(
                self._runner.computed,
                self._runner.forward_s,
                lambda: self._inbox.post(partial(done, outcome)),
            )
        )

    def close(self) -> None:
        pass


class SimulatedPlacement:
    """The engine's Placement over the real residency of host and device; PLOT nodes are always there."""

    def __init__(
        self,
        config: DeviceConfig,
        timeline: Timeline,
        cores: SimulatedCores,
        on_arrival: Callable[[], None],
    ) -> None:
        self._config = config
        self._timeline = timeline
        self._cores = cores
        self._on_arrival = on_arrival
        self._device: Residency[BundleRef, Slot, DeviceAdapter] = Residency(
            SlotRoom(SlotPool(config.num_slots)), LeastWorth(load_bytes=COPY_LOAD_BYTES)
        )
        self._host: Residency[BundleRef, Slot, bool] = Residency(
            SlotRoom(SlotPool(config.num_host_adapters)), LeastWorth(load_bytes=DISK_LOAD_BYTES)
        )
        self._held: dict[BundleRef, Lease[BundleRef, Slot, bool]] = {}
        self._loading: dict[BundleRef, set[HplmRef]] = {}
        self._loaders_free_at = [0.0] * config.num_loaders
        self._moved: dict[HplmRef, HmiError | None] = {}
        self.begin_counting()

    def begin_counting(self) -> None:
        self.num_loads = 0
        self.num_promotions = 0
        self.num_placed = 0  # adapters of all batches

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
            leases.leases.append(lease)
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
        self._timeline.at(end_s - self._config.load_core_s, partial(self._cores.change_others, 1))
        self._timeline.at(end_s, partial(self._arrived, adapter))

    def _arrived(self, adapter: BundleRef) -> None:
        self._cores.change_others(-1)
        error: HmiError | None = None
        try:
            self._host.begin_load(adapter, self._config.adapter_bytes)
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
            slot = self._device.begin_load(adapter, self._config.adapter_bytes)
        except NoRoom:
            return None
        self.num_promotions += 1
        self._cores.work_on_engine_thread(self._config.promote_s)
        return self._device.finish_load(adapter, DeviceAdapter(slot, HeadShape(1)), num_leases=1)[0]
