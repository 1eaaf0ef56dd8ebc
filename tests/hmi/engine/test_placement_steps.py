"""Thousands of random steps of engine and placement over tiers that are far too small: no answer ever comes
from another model's parts, and no budget is exceeded."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hmi.base.clock import SystemClock
from hmi.base.errors import BudgetExceeded, BundleBroken, HmiError
from hmi.engine.batch import Batch, BatchRecord
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.placement import HplmPlacement, PlacedHplm, TreePath
from hmi.engine.request import DocumentAnswer, EngineRequest, HplmRef
from hmi.engine.stages import ComputeStage, SameThread
from hmi.memory.budget import Budget
from hmi.memory.eviction import LeastWorth
from hmi.memory.loader import Loader
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom, SlotRoom
from hmi.memory.slots import Slot, SlotPool
from hmi.memory.tier import MemoryTier
from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId
from wire.inference import Coverage

NUM_SLOTS, NUM_UNITS = 6, 10
NODE_BYTES = 600
HOST_BYTES = {"adapters": 1600, "trees": 400}  # and tables
NUM_STEPS = 2000
WAIT_S = 60


@dataclass(frozen=True)
class FakeAdapter:
    """Its content is a number that no other adapter has."""

    number: int

    num_outputs = 2
    reads_tokens = False

    @property
    def num_units(self) -> int:
        return 1 + self.number % 3

    @property
    def num_bytes(self) -> int:
        return 100 * self.num_units


@dataclass(frozen=True)
class FakeTable:
    """A node of 40 to 100 bytes, if no more is said."""

    number: int
    more_bytes: int = 0

    @property
    def num_bytes(self) -> int:
        return 40 + 20 * (self.number % 4) + self.more_bytes


class FakeBank:
    """Slots over units, as HplmBank has them; what is wiped is gone."""

    num_slots = NUM_SLOTS

    def __init__(self) -> None:
        self.content: dict[Slot, FakeAdapter] = {}
        self.broken: set[int] = set()  # adapters that cannot be written

    def bytes_of(self, item: FakeAdapter) -> int:
        return item.num_bytes

    def write(self, slot: Slot, item: FakeAdapter) -> None:
        self.content.pop(slot, None)
        if item.number in self.broken:
            raise MemoryError("no memory to copy to")
        if self.num_units + item.num_units > NUM_UNITS:
            raise BudgetExceeded("no units", needed_bytes=item.num_units, free_bytes=0)
        self.content[slot] = item

    def wipe(self, slot: Slot) -> None:
        self.content.pop(slot, None)

    @property
    def num_units(self) -> int:
        return sum(item.num_units for item in self.content.values())


class FakeNodes:
    """Numbers of removed nodes are used again."""

    def __init__(self) -> None:
        self.content: dict[int, FakeTable] = {}
        self.places: dict[int, int] = {}  # node -> its bytes, those that are being filled too
        self.filled: dict[int, FakeTable] = {}
        self.num_filled = 0
        self.may_fill = threading.Event()
        self.may_fill.set()
        self.num_to_fail = 0
        self.num_in_pieces = 0  # for so many more there is no place in one piece

    def bytes_of(self, table: FakeTable) -> int:
        return table.num_bytes

    def add(self, table: FakeTable) -> int:
        number = self.begin(table)
        self.content[number] = table
        return number

    def begin(self, table: FakeTable) -> int:
        if self.num_in_pieces:
            self.num_in_pieces -= 1
            raise BudgetExceeded("not in one piece", needed_bytes=table.num_bytes, free_bytes=0)
        number = next(n for n in range(len(self.places) + 1) if n not in self.places)
        self.places[number] = table.num_bytes
        return number

    def fill(self, node: int, table: FakeTable) -> None:
        assert self.may_fill.wait(WAIT_S)
        if self.num_to_fail:
            self.num_to_fail -= 1
            raise MemoryError("no memory to copy to")
        self.filled[node] = table
        self.num_filled += 1

    def finish(self, node: int, table: FakeTable) -> None:
        self.content[node] = self.filled.pop(node)
        assert self.content[node] is table

    def remove(self, node: int) -> None:
        self.content.pop(node, None)  # one that was never filled has none
        del self.places[node]

    @property
    def num_bytes(self) -> int:
        return sum(self.places.values())


class FakeDisk:
    """Adapters ``a<n>``, tables ``n<n>``, trees ``t<n>``: root 0, one of three domains, perhaps a leaf."""

    def __init__(self) -> None:
        self.slow: dict[BundleRef, threading.Event] = {}  # what can be read only then
        self.errors: dict[BundleRef, Exception] = {}
        self.more_bytes: dict[BundleRef, int] = {}  # of tables
        self.paths: dict[BundleRef, list[int]] = {}  # of trees that are not as nodes_of() says

    def measure(self, key: BundleRef) -> int:
        if key.digest[0] == "t":
            return 20
        return (
            FakeAdapter(int(key.digest[1:])).num_bytes if key.digest[0] == "a" else self._table(key).num_bytes
        )

    def _table(self, key: BundleRef) -> FakeTable:
        return FakeTable(int(key.digest[1:]), self.more_bytes.get(key, 0))

    def _wait(self, key: BundleRef) -> None:
        gate, error = self.slow.get(key), self.errors.get(key)
        assert gate is None or gate.wait(WAIT_S)
        if error is not None:
            raise error

    def read_adapter(self, key: BundleRef) -> FakeAdapter:
        self._wait(key)
        number = int(key.digest[1:])
        if number % 17 == 3:
            raise BundleBroken("truncated")
        return FakeAdapter(number)

    def read_table(self, key: BundleRef) -> FakeTable:
        self._wait(key)
        return self._table(key)

    def read_tree(self, key: BundleRef) -> TreePath:
        self._wait(key)
        nodes = self.paths.get(key) or nodes_of(int(key.digest[1:]))
        return TreePath(tuple(ref("n", node) for node in nodes))


class _Source:
    def __init__(self, disk: FakeDisk, kind: str) -> None:
        self.measure = disk.measure
        self.read = getattr(disk, f"read_{kind}")


def nodes_of(tree: int) -> list[int]:
    return [0, 1 + tree % 3] if tree < 3 else [0, 1 + tree % 3, 1 + tree]


def ref(kind: str, number: int) -> BundleRef:
    return BundleRef(BundleUri(kind), Digest(f"{kind}{number}"))


class ArenaRunner:
    """Answers with what stands in the arenas when it computes."""

    def __init__(self, bank: FakeBank, nodes: FakeNodes) -> None:
        self._bank = bank
        self._nodes = nodes
        self.cannot_retrieve: set[TenantId] = set()
        self.cannot_compute: set[TenantId] = set()
        self.not_finite: set[TenantId] = set()

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Sequence[DocumentAnswer]:
        answers = []
        if any(part.request.tenant_id in self.cannot_retrieve for part in batch.parts):
            raise RuntimeError("no look-up")
        if any(part.request.tenant_id in self.cannot_compute for part in batch.parts):
            return ()
        is_nan = any(part.request.tenant_id in self.not_finite for part in batch.parts)
        for part in batch.parts:
            where = placed[part.request.hplm]
            seen = (
                self._bank.content[where.slot].number,
                *(self._nodes.content[n].number for n in where.path),
            )
            outputs = np.full((1, len(seen)), np.nan, np.float32) if is_nan else np.array([seen], np.float32)
            answers += [DocumentAnswer(outputs, Coverage(0, 0, 1, 0))] * part.num_documents
        return answers

    def compute(self, retrieved: Sequence[DocumentAnswer]) -> Sequence[DocumentAnswer]:
        if not retrieved:
            raise RuntimeError("no forward")
        return retrieved


class World:
    """Engine and placement over fakes that know their content."""

    def __init__(
        self,
        *,
        max_copied_bytes: int,
        tables_bytes: int = 700,
        max_known_trees: int = 100,
        stage: ComputeStage | None = None,
    ) -> None:
        self.host_bytes = {**HOST_BYTES, "tables": tables_bytes}
        self.bank, self.nodes = FakeBank(), FakeNodes()
        self.host = Budget(MemoryTier.HOST, sum(self.host_bytes.values()))
        self.device = Budget(MemoryTier.DEVICE, NODE_BYTES)
        self.batches: list[BatchRecord] = []
        self.disk, self.inbox = FakeDisk(), Inbox()
        self.loaders = {kind: self._loader(self.disk, kind) for kind in ("adapter", "tree", "table")}
        self.placement: HplmPlacement[FakeAdapter, FakeTable] = HplmPlacement(
            adapter_loader=self.loaders["adapter"],
            tree_loader=self.loaders["tree"],
            table_loader=self.loaders["table"],
            slots=Residency(
                SlotRoom(SlotPool(NUM_SLOTS)),
                LeastWorth(load_bytes=100),
                on_evict=lambda key, slot, adapter: self.bank.wipe(slot),
            ),
            adapter_arena=self.bank,
            nodes=Residency(
                ByteRoom(self.device, kind="nodes", max_bytes=NODE_BYTES),
                LeastWorth(load_bytes=100),
                on_evict=lambda key, place, node: self.nodes.remove(node.number),
                max_pinned_bytes=NODE_BYTES // 4,
            ),
            node_arena=self.nodes,
            max_known_trees=max_known_trees,
            max_copied_bytes=max_copied_bytes,
            inbox=self.inbox,
        )
        self.runner = ArenaRunner(self.bank, self.nodes)
        self.engine = Engine(
            EngineConfig(
                limits=BatchLimits(max_rows=8, max_tokens=64, max_adapters=3, max_cold_adapters=2),
                max_requests=100_000,
            ),
            placement=self.placement,
            runner=self.runner,
            inbox=self.inbox,
            clock=SystemClock(),
            stage=SameThread() if stage is None else stage,
            on_batch=self.batches.append,
        )

    def submit(self, tenant: int, adapter: int, tree: int, num_documents: int) -> EngineRequest:
        request = EngineRequest(
            request_id=RequestId("same"),  # ids are the callers' and may come twice
            tenant_id=TenantId(f"tenant {tenant}"),
            task_id=TaskId(f"task {tenant}"),
            hplm=HplmRef(ref("a", adapter), ref("t", tree)),
            documents=Documents(
                np.zeros(num_documents, np.int32), np.arange(num_documents + 1, dtype=np.int64)
            ),
            deadline=SystemClock().monotonic() + WAIT_S,
        )
        self.engine.submit(request)
        return request

    def run_until(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not is_so():
            assert time.monotonic() < end, "it never came"
            if not self.engine.step():
                self.engine.wait(0.001)
            self.check()

    def check(self) -> None:
        self.engine.check_integrity()
        assert self.bank.num_units <= NUM_UNITS
        assert self.nodes.num_bytes == self.device.used_bytes <= NODE_BYTES
        assert self.host.used_bytes <= self.host.max_bytes
        used = self.host.used_by_kind()
        assert all(used.get(kind, 0) <= most for kind, most in self.host_bytes.items())

    def leased(self) -> list[BundleRef]:
        """What may not be evicted now, in any tier."""
        device = (self.placement._slots, self.placement._nodes)
        residencies: list[Residency[BundleRef, Any, Any]] = [*device]
        residencies += [loader._residency for loader in self.loaders.values()]
        return [key for each in residencies for key, entry in each._entries.items() if entry.num_leases]

    def _loader(self, disk: FakeDisk, kind: str) -> "Loader[BundleRef, Any]":
        return Loader(
            _Source(disk, kind),
            Residency(
                ByteRoom(self.host, kind=f"{kind}s", max_bytes=self.host_bytes[f"{kind}s"]),
                LeastWorth(load_bytes=100),
            ),
            num_threads=2,
            room_timeout_s=10.0,
            name=kind,
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "max_copied_bytes"),
    [(1, 1000), (2, 1000), (1, 50), (2, 50), (4, 50)],
    ids=["1", "2", *(f"{seed}, most nodes copied on a thread" for seed in (1, 2, 4))],
)
def test_no_answer_comes_from_another_models_parts(seed: int, max_copied_bytes: int) -> None:
    world, chance = World(max_copied_bytes=max_copied_bytes), random.Random(seed)
    versions = {tenant: tenant for tenant in range(40)}  # tenant -> its adapter now
    open_requests: list[tuple[EngineRequest, tuple[float, ...]]] = []
    outcomes = {"answered": 0, "broken": 0, "cancelled": 0}
    for step in range(NUM_STEPS):
        for _ in range(chance.randrange(4) if len(open_requests) < 60 else 0):
            tenant = int(40 * chance.random() ** 2)
            tree = tenant % 25
            request = world.submit(tenant, versions[tenant], tree, chance.randrange(1, 5))
            expected = (float(versions[tenant]), *map(float, nodes_of(tree)))
            open_requests.append((request, expected))
        if chance.random() < 0.05:  # hot swap: requests under way keep the version that they began with
            tenant = chance.randrange(40)
            versions[tenant] = 40 + step
        if open_requests and chance.random() < 0.1:
            chance.choice(open_requests)[0].future.cancel()
        if chance.random() < 0.02:
            world.loaders["adapter"].retain({ref("a", version) for version in versions.values()})
        if not world.engine.step():
            world.engine.wait(0.001)
        world.check()
        open_requests = [pair for pair in open_requests if not _settled(*pair, outcomes)]
    end = time.monotonic() + WAIT_S
    while open_requests:
        assert time.monotonic() < end, f"{len(open_requests)} requests were never answered"
        if not world.engine.step():
            world.engine.wait(0.001)
        open_requests = [pair for pair in open_requests if not _settled(*pair, outcomes)]
    world.engine.close(drain_s=0)
    assert outcomes["answered"] > NUM_STEPS // 2 and outcomes["broken"] and outcomes["cancelled"]
    assert world.placement.num_evictions > 100
    assert any(len(batch.adapters) == 3 for batch in world.batches)
    assert (world.nodes.num_filled > 20) == (max_copied_bytes < 100)


def test_batches_run_while_a_large_node_is_copied_and_none_reads_half_of_it() -> None:
    world = World(max_copied_bytes=90)  # of the nodes here, only 3 has more
    near = [world.submit(1, 1, 0, 1), world.submit(2, 2, 1, 1)]
    world.run_until(lambda: all(request.future.done() for request in near))
    world.nodes.may_fill.clear()
    far = [world.submit(tenant, 4, 2, 1) for tenant in (3, 4)]  # on node 3
    world.run_until(lambda: len(world.nodes.places) == 4)
    for _ in range(5):
        again = world.submit(1, 1, 0, 1)
        world.run_until(again.future.done)
        assert _settled(again, (1.0, 0.0, 1.0), {"answered": 0})
    far[0].future.cancel()
    assert not far[1].future.done()
    assert world.nodes.num_filled == 0
    world.nodes.may_fill.set()
    world.run_until(far[1].future.done)
    assert _settled(far[1], (4.0, 0.0, 3.0), {"answered": 0})
    world.engine.close(drain_s=0)


def test_what_finds_no_room_beside_a_copy_is_tried_again_when_that_has_ended() -> None:
    """It was tried again and again: the engine thread worked against the copy that it waited for."""
    world = World(max_copied_bytes=90)
    world.disk.more_bytes[ref("n", 3)] = 450  # of the device's 600; beside it stands the root, and no domain
    world.nodes.may_fill.clear()
    world.disk.paths[ref("t", 9)] = [0]
    first = world.submit(3, 5, 9, 1)
    world.run_until(first.future.done)
    large = world.submit(1, 4, 2, 1)
    world.run_until(lambda: 550 in world.nodes.places.values())
    small = world.submit(2, 1, 0, 1)
    held = world.placement._held
    world.run_until(lambda: ref("n", 1) in held and ref("a", 1) in held)
    world.engine.step()
    assert not world.engine.step() and not small.future.done()
    hot = world.submit(3, 5, 9, 1)  # on the device: it needs the root alone
    world.run_until(hot.future.done)
    world.engine.step()
    assert not world.engine.step() and not small.future.done()
    world.nodes.may_fill.set()
    world.run_until(lambda: large.future.done() and small.future.done())
    assert _settled(large, (4.0, 0.0, 3.0), {"answered": 0})
    assert _settled(small, (1.0, 0.0, 1.0), {"answered": 0})
    world.engine.close(drain_s=0)


def test_a_large_node_that_nobody_waits_for_any_more_is_there_all_the_same() -> None:
    world = World(max_copied_bytes=90)
    world.nodes.may_fill.clear()
    request = world.submit(1, 4, 2, 1)
    world.run_until(lambda: 100 in world.nodes.places.values())
    request.future.cancel()
    world.run_until(lambda: world.engine.num_open_requests == 0)
    world.nodes.may_fill.set()
    world.run_until(lambda: world.placement._nodes.has(ref("n", 3)) and world.nodes.num_filled == 1)
    assert not world.leased()
    again = world.submit(1, 4, 2, 1)
    world.run_until(again.future.done)
    assert _settled(again, (4.0, 0.0, 3.0), {"answered": 0})
    assert world.nodes.num_filled == 1
    world.engine.close(drain_s=0)


def test_adapters_that_wait_for_a_leaf_leave_their_room_to_one_that_could_run() -> None:
    """Each held, they filled it, and what could have run waited for room until it was given up."""
    world = World(max_copied_bytes=1000)
    leaf = ref("n", 1 + 4)
    world.disk.slow[leaf] = threading.Event()
    waiting = [world.submit(1 + n, adapter, 4, 1) for n, adapter in enumerate((2, 5, 8, 11, 14))]  # 300 bytes
    adapters = world.loaders["adapter"]
    world.run_until(lambda: len(adapters.resident_bytes()) == len(waiting))
    assert sum(adapters.resident_bytes().values()) + 300 > HOST_BYTES["adapters"]
    other = world.submit(9, 17, 7, 1)
    world.run_until(other.future.done)
    assert _settled(other, (17.0, 0.0, 2.0, 8.0), {"answered": 0})
    assert not any(request.future.done() for request in waiting)
    world.disk.slow[leaf].set()
    world.run_until(lambda: all(request.future.done() for request in waiting))
    for request, adapter in zip(waiting, (2, 5, 8, 11, 14), strict=True):
        assert _settled(request, (float(adapter), 0.0, 2.0, 5.0), {"answered": 0})
    world.engine.close(drain_s=0)


def test_models_whose_nodes_fill_the_host_tier_do_not_wait_for_each_others_room() -> None:
    """Each held its domain's node, together they filled the tier, and no leaf had room: all waited for ten
    seconds, and most were given up."""
    world = World(max_copied_bytes=1000)
    for tree in range(12):
        world.disk.paths[ref("t", tree)] = [
            0,
            100 + 4 * tree + 3,
            200 + 4 * tree + 3,
        ]  # 40, 100 and 100 bytes
    requests = [world.submit(tree, 1 + 3 * tree, tree, 1) for tree in range(12)]
    world.run_until(lambda: all(request.future.done() for request in requests))
    for tree, request in enumerate(requests):
        expected = (1 + 3 * tree, 0, 103 + 4 * tree, 203 + 4 * tree)
        assert _settled(request, tuple(map(float, expected)), {"answered": 0})
    assert not world.leased()
    world.engine.close(drain_s=0)


@pytest.mark.parametrize("max_copied_bytes", [1000, 50])
def test_a_path_whose_nodes_fit_the_host_tier_one_at_a_time_passes_through_it_so(
    max_copied_bytes: int,
) -> None:
    """The domain's node, held there for its batch, left the leaf no room, and was waited for in vain."""
    world = World(max_copied_bytes=max_copied_bytes, tables_bytes=250)
    domain, leaf = ref("n", 2), ref("n", 5)
    world.disk.more_bytes |= {domain: 120, leaf: 140}  # 200 bytes each
    request = world.submit(1, 2, 4, 1)
    world.run_until(request.future.done)
    assert _settled(request, (2.0, 0.0, 2.0, 5.0), {"answered": 0})
    assert not world.leased()
    world.engine.close(drain_s=0)


def test_nothing_is_held_beyond_a_node_that_went_meanwhile() -> None:
    world = World(max_copied_bytes=1000)
    domain, leaf, adapter = ref("n", 2), ref("n", 5), ref("a", 2)
    first = world.submit(9, 17, 1, 1)
    world.run_until(lambda: first.future.done() and domain in world.placement.device_nodes())
    world.disk.slow |= {domain: threading.Event(), adapter: threading.Event()}
    request = world.submit(1, 2, 4, 1)
    held_for = world.placement._held_for
    world.run_until(lambda: leaf in held_for.get(request.hplm, ()))
    world.loaders["table"].quarantine(domain, BundleBroken("to have it read again"))
    world.loaders["table"].retain([])
    assert world.placement._nodes.evict(domain)
    world.disk.slow[adapter].set()
    world.run_until(lambda: not held_for.get(request.hplm))
    world.disk.slow[domain].set()
    world.run_until(request.future.done)
    assert _settled(request, (2.0, 0.0, 2.0, 5.0), {"answered": 0})
    world.engine.close(drain_s=0)


def test_where_a_large_node_cannot_be_copied_those_that_wait_fail_at_once_and_the_next_try_anew() -> None:
    world = World(max_copied_bytes=90)
    world.nodes.num_to_fail = 1
    waiting = [world.submit(1, 4, 2, 1), world.submit(2, 5, 2, 2)]
    world.run_until(lambda: all(request.future.done() for request in waiting))
    for request in waiting:
        error = request.future.exception()
        assert isinstance(error, HmiError) and error.code.value == "internal", error
        assert "no memory to copy to" in error.message
    assert 100 not in world.nodes.places.values(), "its place is free again"
    assert not world.leased()
    world.placement.check_integrity()
    again = world.submit(1, 4, 2, 1)
    world.run_until(again.future.done)
    assert _settled(again, (4.0, 0.0, 3.0), {"answered": 0})
    world.engine.close(drain_s=0)


def test_a_node_that_the_device_has_no_room_for_fails_its_own_requests_alone() -> None:
    """It failed the step that was to copy it, and with it all that was open, and stayed in the host tier."""
    world = World(max_copied_bytes=90)
    world.disk.more_bytes[ref("n", 3)] = NODE_BYTES
    for _ in range(2):
        bad, good = world.submit(1, 4, 2, 1), world.submit(2, 1, 0, 1)
        world.run_until(lambda bad=bad, good=good: bad.future.done() and good.future.done())  # type: ignore[misc]
        assert isinstance(bad.future.exception(), BudgetExceeded)
        assert _settled(good, (1.0, 0.0, 1.0), {"answered": 0})
        assert not world.leased()
    world.engine.close(drain_s=0)


def test_an_adapter_that_cannot_be_copied_to_the_device_fails_alone() -> None:
    """With it all that was open failed, and what its batch had placed by then stayed leased for ever."""
    world = World(max_copied_bytes=1000)
    world.bank.broken = {2}
    for _ in range(2):
        bad, good = world.submit(1, 2, 0, 1), world.submit(2, 1, 0, 1)
        world.run_until(lambda bad=bad, good=good: bad.future.done() and good.future.done())  # type: ignore[misc]
        error = bad.future.exception()
        assert isinstance(error, HmiError) and error.code.value == "internal"
        assert _settled(good, (1.0, 0.0, 1.0), {"answered": 0})
        assert not world.leased()
    world.bank.broken = set()
    again = world.submit(1, 2, 0, 1)
    world.run_until(again.future.done)
    assert _settled(again, (2.0, 0.0, 1.0), {"answered": 0})
    world.engine.close(drain_s=0)


def _settled(request: EngineRequest, expected: tuple[float, ...], outcomes: dict[str, int]) -> bool:
    if not request.future.done():
        return False
    if request.future.cancelled():
        outcomes["cancelled"] += 1
        return True
    error = request.future.exception()
    if error is not None:
        assert isinstance(error, HmiError) and error.code.value == "bundle_broken", error
        assert int(request.hplm.adapter.digest[1:]) % 17 == 3, "a sound model failed"
        outcomes["broken"] += 1
        return True
    for document in request.future.result().documents:
        assert tuple(document.outputs[0].tolist()) == expected
    outcomes["answered"] += 1
    return True
