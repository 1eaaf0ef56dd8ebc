"""Brings the models of waiting requests near and holds them in place while a batch runs."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from hmi.base.errors import BudgetExceeded, Failed, HmiError
from hmi.engine.inbox import Inbox
from hmi.engine.request import HplmRef
from hmi.engine.scheduler import Temperature
from hmi.memory.arena import Arena
from hmi.memory.budget import Reservation
from hmi.memory.loader import Loader
from hmi.memory.residency import Lease, Residency, release_all
from hmi.memory.room import NoRoom
from hmi.memory.slots import Slot
from wire.artifacts import BundleRef

KNOWN_TREE_BYTES = 2000
"""Of a tree's path that is remembered, at most: its nodes' places and digests."""


class HostHplm(Protocol):
    """A verified adapter with its head, in the host tier."""

    @property
    def num_outputs(self) -> int: ...

    @property
    def reads_tokens(self) -> bool: ...

    @property
    def num_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TreePath:
    """The nodes of one tree version, root first."""

    nodes: tuple[BundleRef, ...]


AdapterT = TypeVar("AdapterT", bound=HostHplm)
TableT = TypeVar("TableT")
CopiedT = TypeVar("CopiedT")
P = TypeVar("P")
TableT_contra = TypeVar("TableT_contra", contravariant=True)


class NodeArena(Protocol[TableT_contra]):
    """The loaded PLOT nodes on the device. Engine thread only."""

    def bytes_of(self, table: TableT_contra) -> int:
        """What a table takes here."""

    def add(self, table: TableT_contra) -> int:
        """Copy a table in; its node number. Raises BudgetExceeded when there is no room for it now."""

    def begin(self, table: TableT_contra) -> int:
        """As add(), in steps: a place for the table. Raises BudgetExceeded."""

    def fill(self, node: int, table: TableT_contra) -> None:
        """Copy the table to its place. In any thread."""

    def finish(self, node: int, table: TableT_contra) -> None:
        """It has been filled; now paths may name it."""

    def remove(self, node: int) -> None:
        """Forget a node; its number may be used again."""


@dataclass(frozen=True, slots=True)
class HeadShape:
    """What a head reads and how much it says."""

    num_outputs: int
    reads_tokens: bool = False  # else the mean of a document's states


@dataclass(frozen=True, slots=True)
class DeviceAdapter:
    """An adapter with its head, on the device."""

    slot: Slot
    head: HeadShape


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """A PLOT node on the device."""

    number: int


@dataclass(frozen=True, slots=True)
class PlacedHplm:
    """Where the forward finds one model."""

    slot: Slot
    head: HeadShape
    path: tuple[int, ...]  # node numbers, root first


@dataclass(slots=True)
class BatchLeases:
    """Everything that one batch reads, held once each until it ends; a context manager."""

    placed: dict[HplmRef, PlacedHplm] = field(default_factory=dict)
    failed: dict[HplmRef, HmiError] = field(default_factory=dict)
    postponed: set[HplmRef] = field(default_factory=set)  # no room beside those placed: for another batch
    leases: list[Lease[BundleRef, Any, Any]] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        release_all(self.leases)


@dataclass(slots=True)
class _Fetch:
    """A load under way and the models that wait for it."""

    dependents: set[HplmRef]


@dataclass(slots=True)
class _Held:
    """An item kept in the host tier until the models that wait for it have it on the device; a node that was
    copied ahead of its batch there, until they are in one."""

    lease: Lease[BundleRef, Reservation, Any]
    users: set[HplmRef]
    is_on_device: bool = False


_COPY = "copy"
"""The kind of fetch that brings a large node from host to device."""


class _NoPlaceNow(Exception):
    """A model cannot be placed beside what is leased now; it may in another batch."""


class HplmPlacement(Generic[AdapterT, TableT]):
    """Adapters: disk -> host -> device slot. PLOT nodes: disk -> host -> arena, shared by digest.

    Engine thread only, but for device_adapters() and device_nodes(); other threads report through the inbox.
    Disk is read on the loaders'. The engine thread copies from host to device, between batches; nodes of more
    than ``max_copied_bytes`` a thread of their own, before their models may run. What an open request waits
    for is held in the host tier from its arrival there until it is on the device: node after node, then the
    adapter, and nothing beyond what is missing. Of what comes before a missing node only one model at a time
    holds any, and passes it on to the device where that has room: so a path needs no more of the host tier
    than its largest node.
    """

    def __init__(
        self,
        *,
        adapter_loader: Loader[BundleRef, AdapterT],
        tree_loader: Loader[BundleRef, TreePath],
        table_loader: Loader[BundleRef, TableT],
        slots: Residency[BundleRef, Slot, DeviceAdapter],
        adapter_arena: Arena[AdapterT],
        nodes: Residency[BundleRef, Reservation, DeviceNode],
        node_arena: NodeArena[TableT],
        inbox: Inbox,
        max_known_trees: int,
        max_copied_bytes: int,
    ) -> None:
        self._adapter_loader = adapter_loader
        self._tree_loader = tree_loader
        self._table_loader = table_loader
        self._slots = slots
        self._adapter_arena = adapter_arena
        self._nodes = nodes
        self._node_arena = node_arena
        self._inbox = inbox
        self._max_known_trees = max_known_trees
        self._max_copied_bytes = max_copied_bytes
        self._num_copies = 0  # under way
        self._copying = ThreadPoolExecutor(1, thread_name_prefix="copy-node")
        self._paths: OrderedDict[BundleRef, TreePath] = OrderedDict()
        self._held: dict[BundleRef, _Held] = {}
        self._held_for: dict[HplmRef, set[BundleRef]] = {}
        # Of the models that lack a node, the one that holds what is above it.
        self._foremost: HplmRef | None = None
        self._promoted: list[Lease[BundleRef, Reservation, Any]] = []  # of the batch that is being placed
        self._fetches: dict[tuple[str, BundleRef], _Fetch] = {}
        self._moved: dict[HplmRef, HmiError | None] = {}

    def advance(self, hplm: HplmRef) -> bool:
        """True when all of ``hplm`` is at hand; else starts what is missing, to be seen in take_moved()."""
        path = self._paths.get(hplm.tree)
        if path is None:
            self._fetch("tree", self._tree_loader, hplm.tree, hplm, self._remember_path)
            self._bring_adapter(hplm)
            return False
        self._paths.move_to_end(hplm.tree)
        # One after the other, the shared ones first, and nothing is held beyond what is missing, nor, but for
        # one model, before it: models that each hold what the other's part needs the room of would wait for
        # ever.
        nodes = _nodes_of(hplm, path)
        for place, node in enumerate(nodes):
            if not self._has_node(node, hplm, is_root=place == 0):
                self._give_up_holds(hplm, (*nodes[place + 1 :], hplm.adapter))
                self._foremost = self._foremost or hplm
                above = self._in_host(nodes[:place])
                if self._foremost != hplm:
                    self._give_up_holds(hplm, above)
                else:
                    for held in above:
                        self._pass_on(held, is_root=held == nodes[0])
                self._bring_adapter(hplm)
                return False
        self._is_foremost_no_more(hplm)
        return self._has(self._slots, "adapter", self._adapter_loader, hplm.adapter, hplm)

    def take_moved(self) -> Mapping[HplmRef, HmiError | None]:
        """Models for which something arrived, or failed, since the last call."""
        moved, self._moved = self._moved, {}
        return moved

    def let_go(self, hplm: HplmRef) -> None:
        """No open request wants ``hplm`` any more: it may leave the host tier when room is needed."""
        self._is_foremost_no_more(hplm)
        for ref in self._held_for.pop(hplm, ()):
            self._leave(ref, hplm)

    def temperature(self, hplm: HplmRef) -> Temperature:
        # Of everything that waits, at every batch: as few steps as can be.
        path = self._paths.get(hplm.tree)
        if path is None:
            return Temperature.GONE
        temperature = Temperature.HOT
        if not self._slots.has(hplm.adapter):
            if hplm.adapter not in self._held:
                return Temperature.GONE
            temperature = Temperature.COLD
        for node in _nodes_of(hplm, path):
            if not self._nodes.has(node):
                if node not in self._held or self._is_copied(node):
                    return Temperature.GONE
                temperature = Temperature.COLD
        return temperature

    def lease(self, hplms: Sequence[HplmRef], *, is_alone: bool) -> BatchLeases:
        """Promote what is cold and hold all of it. A model that cannot be placed is in ``failed``, alone; one
        for which there is no room beside the others is in ``postponed``: never all of them, unless other
        batches hold leases (not ``is_alone``) or large nodes are copied meanwhile."""
        self._use(hplms)
        leases = BatchLeases()
        held: dict[BundleRef, Lease[BundleRef, Any, Any]] = {}
        for hplm in hplms:
            try:
                leases.placed[hplm] = self._place(hplm, held)
            except _NoPlaceNow as error:
                if leases.placed or not is_alone or self._num_copies:
                    leases.postponed.add(hplm)
                else:
                    leases.failed[hplm] = BudgetExceeded(
                        f"adapter {hplm.adapter.digest}: {error}",
                        needed_bytes=0,
                        free_bytes=0,
                        retryable=True,
                    )
            except HmiError as error:
                leases.failed[hplm] = error
            except Exception as exc:  # noqa: BLE001 one bad request fails alone: the others are placed without it
                message = f"adapter {hplm.adapter.digest} cannot be copied to the device: {exc!r}"
                leases.failed[hplm] = Failed(message, retryable=True)
            else:
                self.let_go(hplm)
        leases.leases.extend(held.values())
        release_all(self._promoted)
        self._promoted.clear()
        return leases

    def quarantine(self, hplm: HplmRef, error: HmiError) -> None:
        """The adapter was found broken after it had been loaded: it fails until the catalog names another."""
        self.let_go(hplm)
        self._slots.evict(hplm.adapter)
        self._adapter_loader.quarantine(hplm.adapter, error)

    def device_adapters(self) -> Mapping[BundleRef, int]:
        """Adapters on the device and the bytes that each takes there. From any thread."""
        return self._slots.resident_bytes()

    def device_nodes(self) -> Mapping[BundleRef, int]:
        """PLOT nodes on the device and the bytes that each takes there. From any thread."""
        return self._nodes.resident_bytes()

    @property
    def num_nodes(self) -> int:
        """PLOT nodes on the device."""
        return self._nodes.num_items

    @property
    def num_adapters(self) -> int:
        """Adapters on the device."""
        return self._slots.num_items

    @property
    def num_evictions(self) -> int:
        """Adapters that left the device so far, for others or for good."""
        return self._slots.num_evictions

    @property
    def num_slots(self) -> int:
        """Adapters that the device can hold."""
        return self._adapter_arena.num_slots

    def close(self) -> None:
        for loader in (self._adapter_loader, self._tree_loader, self._table_loader):
            loader.close()
        self._copying.shutdown()
        for held in self._held.values():
            held.lease.release()
        self._held.clear()
        self._held_for.clear()

    def check_integrity(self) -> None:
        self._slots.check_integrity()
        self._nodes.check_integrity()
        pairs = {(hplm, ref) for hplm, refs in self._held_for.items() for ref in refs}
        assert pairs == {(hplm, ref) for ref, held in self._held.items() for hplm in held.users}, (
            "what is held and for whom differ"
        )

    # What is missing

    def _bring_adapter(self, hplm: HplmRef) -> None:
        """Load it meanwhile, without holding it."""
        if not self._slots.has(hplm.adapter):
            self._adapter_loader.prefetch(hplm.adapter)

    def _give_up_holds(self, hplm: HplmRef, refs: Iterable[BundleRef]) -> None:
        for ref in refs:
            if ref in self._held_for.get(hplm, ()):
                self._held_for[hplm].discard(ref)
                self._leave(ref, hplm)

    def _in_host(self, refs: Iterable[BundleRef]) -> list[BundleRef]:
        """Those that are held there, not on the device."""
        return [ref for ref in refs if ref in self._held and not self._held[ref].is_on_device]

    def _is_foremost_no_more(self, hplm: HplmRef) -> None:
        if self._foremost == hplm:
            self._foremost = None

    def _leave(self, ref: BundleRef, hplm: HplmRef) -> None:
        """``hplm`` needs what is held no more, and perhaps nobody does."""
        held = self._held[ref]
        held.users.discard(hplm)
        if not held.users:
            del self._held[ref]
            held.lease.release()

    def _has_node(self, ref: BundleRef, hplm: HplmRef, *, is_root: bool) -> bool:
        """On the device, or in the host tier and small enough to be copied with the batch."""
        if not self._has(self._nodes, "table", self._table_loader, ref, hplm):
            return False
        if self._nodes.has(ref):
            return True
        if self._is_copied(ref):
            self._fetches[_COPY, ref].dependents.add(hplm)
            return False
        table = self._held[ref].lease.value
        is_small = self._node_arena.bytes_of(table) <= self._max_copied_bytes
        # Where all room is in use now, it waits for that as a small one does, and is copied with its batch.
        return is_small or not self._begin_copy(ref, table, hplm, is_root=is_root)

    def _pass_on(self, ref: BundleRef, *, is_root: bool) -> None:
        """Copy a small node that is held to the device ahead of its batch, if there is room: in the host tier
        it may have the room of the one that is missing below it."""
        table = self._held[ref].lease.value
        if self._node_arena.bytes_of(table) > self._max_copied_bytes:
            return
        try:
            self._begin(self._nodes, ref, self._node_arena.bytes_of(table))
            number = self._copy(self._nodes, ref, lambda: self._node_arena.add(table))
        except Exception:  # noqa: BLE001 its batch, which tries it again, is told what is wrong
            return
        self._now_on_device(ref, number, is_root=is_root)

    def _is_copied(self, ref: BundleRef) -> bool:
        """Whether the node is on its way from host to device, on the thread for large ones."""
        return (_COPY, ref) in self._fetches

    def _begin_copy(self, ref: BundleRef, table: TableT, hplm: HplmRef, *, is_root: bool) -> bool:
        """Have a large node copied, and ``hplm`` wait for that; False: there is no room for it, now or
        ever."""
        lease = self._table_loader.acquire_now(ref)  # the copy's own: whoever waits may leave
        assert lease is not None, "what is held is in the host tier"
        try:
            self._begin(self._nodes, ref, self._node_arena.bytes_of(table))
            number = self._copy(self._nodes, ref, lambda: self._node_arena.begin(table))
        except Exception:  # noqa: BLE001 its batch, which tries it again, is told what is wrong
            lease.release()
            return False
        self._fetches[_COPY, ref] = _Fetch({hplm})
        self._num_copies += 1

        def fill() -> None:
            try:
                self._node_arena.fill(number, table)
            except Exception as exc:  # noqa: BLE001 the edge of a thread: those that wait fail, the engine goes on
                error = Failed(f"copying node {ref.digest} failed: {exc!r}")
                self._inbox.post(partial(self._not_copied, ref, number, lease, error))
            else:
                self._inbox.post(partial(self._copied, ref, number, lease, is_root=is_root))

        self._copying.submit(fill)
        return True

    def _copied(
        self, ref: BundleRef, number: int, lease: Lease[BundleRef, Reservation, TableT], *, is_root: bool
    ) -> None:
        with lease:
            self._node_arena.finish(number, lease.value)
        self._now_on_device(ref, number, is_root=is_root)
        self._end_copy(ref, None)

    def _now_on_device(self, ref: BundleRef, number: int, *, is_root: bool) -> None:
        """The node has been copied: those that hold it do so there."""
        on_device = self._nodes.finish_load(ref, DeviceNode(number), num_leases=1)[0]
        if is_root:
            self._nodes.pin(ref)
        held = self._held.get(ref)
        if held is None:  # nobody wants it any more
            on_device.release()
        else:
            held.lease.release()
            held.lease, held.is_on_device = on_device, True

    def _not_copied(
        self, ref: BundleRef, number: int, lease: Lease[BundleRef, Reservation, TableT], error: HmiError
    ) -> None:
        """Its place is free again, and the next request for it tries once more."""
        self._node_arena.remove(number)
        self._nodes.abort_load(ref)
        lease.release()
        self._end_copy(ref, error)

    def _end_copy(self, ref: BundleRef, error: HmiError | None) -> None:
        self._num_copies -= 1
        for hplm in self._fetches.pop((_COPY, ref)).dependents:
            self._moved[hplm] = self._moved.get(hplm) or error

    def _has(
        self,
        device: "Residency[BundleRef, Any, Any]",
        kind: str,
        loader: Loader[BundleRef, Any],
        ref: BundleRef,
        hplm: HplmRef,
    ) -> bool:
        if device.touch(ref):
            return True
        if ref not in self._held:
            is_on_its_way = (kind, ref) in self._fetches
            lease = None if is_on_its_way else loader.acquire_now(ref)
            if lease is None:
                self._fetch(kind, loader, ref, hplm, self._hold)
                return False
            self._held[ref] = _Held(lease, set())
        self._hold_for({hplm}, ref)
        return True

    def _fetch(
        self,
        kind: str,
        loader: Loader[BundleRef, Any],
        ref: BundleRef,
        hplm: HplmRef,
        arrive: Callable[[BundleRef, Any, set[HplmRef]], None],
    ) -> None:
        fetch = self._fetches.get((kind, ref))
        if fetch is not None:
            fetch.dependents.add(hplm)
            return
        self._fetches[kind, ref] = _Fetch({hplm})
        loader.fetch(ref, lambda found: self._inbox.post(partial(self._arrived, kind, ref, arrive, found)))

    def _arrived(
        self,
        kind: str,
        ref: BundleRef,
        arrive: Callable[[BundleRef, Any, set[HplmRef]], None],
        found: Lease[BundleRef, Reservation, Any] | HmiError,
    ) -> None:
        fetch = self._fetches.pop((kind, ref))
        error = found if isinstance(found, HmiError) else None
        if not isinstance(found, HmiError):
            arrive(ref, found, fetch.dependents)
        for hplm in fetch.dependents:
            self._moved[hplm] = self._moved.get(hplm) or error

    def _remember_path(
        self, ref: BundleRef, lease: Lease[BundleRef, Reservation, TreePath], users: set[HplmRef]
    ) -> None:
        with lease:
            self._paths[ref] = lease.value
        if len(self._paths) > self._max_known_trees:
            self._paths.popitem(last=False)

    def _hold(self, ref: BundleRef, lease: Lease[BundleRef, Reservation, Any], users: set[HplmRef]) -> None:
        self._held[ref] = _Held(lease, set())
        self._hold_for(users, ref)

    def _hold_for(self, users: set[HplmRef], ref: BundleRef) -> None:
        self._held[ref].users |= users
        for hplm in users:
            self._held_for.setdefault(hplm, set()).add(ref)

    # Placing a batch

    def _use(self, hplms: Iterable[HplmRef]) -> None:
        """Count what the batch needs as used now, so that a promotion rather evicts something else."""
        self._slots.touch_all({hplm.adapter for hplm in hplms})
        self._nodes.touch_all({node for hplm in hplms for node in _nodes_of(hplm, self._paths[hplm.tree])})

    def _place(self, hplm: HplmRef, held: dict[BundleRef, Lease[BundleRef, Any, Any]]) -> PlacedHplm:
        """All of a model on the device, under ``held``, what the batch holds: first what is there, then what
        must be copied."""
        nodes = _nodes_of(hplm, self._paths[hplm.tree])
        wanted = [ref for ref in (*nodes, hplm.adapter) if ref not in held]
        own: dict[BundleRef, Lease[BundleRef, Any, Any]] = {}
        try:
            for ref in wanted:
                lease = (self._slots if ref is hplm.adapter else self._nodes).acquire(ref)
                if lease is not None:
                    own[ref] = lease
            for ref in wanted:
                if ref not in own:
                    own[ref] = (
                        self._promote_adapter(ref)
                        if ref is hplm.adapter
                        else self._promote_node(ref, is_root=ref == nodes[0])
                    )
        except BaseException:
            release_all(own.values())
            raise
        held |= own
        adapter = held[hplm.adapter].value
        return PlacedHplm(adapter.slot, adapter.head, tuple(held[node].value.number for node in nodes))

    def _promote_adapter(self, ref: BundleRef) -> Lease[BundleRef, Slot, DeviceAdapter]:
        host = self._host_value(ref)
        slot = self._begin(self._slots, ref, self._adapter_arena.bytes_of(host))
        self._copy(self._slots, ref, lambda: self._adapter_arena.write(slot, host))
        self._release_held(ref)
        head = HeadShape(host.num_outputs, host.reads_tokens)
        return self._slots.finish_load(ref, DeviceAdapter(slot, head), num_leases=1)[0]

    def _promote_node(self, ref: BundleRef, *, is_root: bool) -> Lease[BundleRef, Reservation, DeviceNode]:
        number = self._copied_now(ref, self._host_value(ref))
        self._release_held(ref)
        lease = self._nodes.finish_load(ref, DeviceNode(number), num_leases=1)[0]
        if is_root:
            self._nodes.pin(ref)  # every path of its tree needs it
        return lease

    def _release_held(self, ref: BundleRef) -> None:
        """``ref`` is on the device, for all that wait for it; the host tier may give it up once the batch is
        placed."""
        held = self._held.pop(ref)
        for hplm in held.users:
            self._held_for[hplm].discard(ref)
        self._promoted.append(held.lease)

    def _host_value(self, ref: BundleRef) -> Any:
        held = self._held.get(ref)
        if held is None:
            raise _NoPlaceNow(f"{ref.digest} was evicted for others of the same batch")
        return held.lease.value

    @staticmethod
    def _copy(
        residency: "Residency[BundleRef, Any, Any]", ref: BundleRef, copy: Callable[[], CopiedT]
    ) -> CopiedT:
        """``copy`` into an arena that has a place for ``ref``, but perhaps not in one piece, or not enough
        units yet: then others are evicted until it fits."""
        try:
            while True:
                try:
                    return copy()
                except BudgetExceeded as exc:
                    if not residency.evict_one():
                        raise _NoPlaceNow(str(exc)) from exc
        except BaseException:
            residency.abort_load(ref)
            raise

    def _copied_now(self, ref: BundleRef, table: TableT) -> int:
        while True:
            try:
                self._begin(self._nodes, ref, self._node_arena.bytes_of(table))
                return self._copy(self._nodes, ref, lambda: self._node_arena.add(table))
            except _NoPlaceNow:
                if not self._drop_kept():
                    raise

    def _drop_kept(self) -> bool:
        """For a batch that runs now, a node that is kept on the device for a later one may go; False: there
        is none."""
        kept = next((ref for ref, held in self._held.items() if held.is_on_device), None)
        if kept is not None:
            self._drop_held(kept)
        return kept is not None

    def _drop_held(self, ref: BundleRef) -> None:
        held = self._held.pop(ref)
        for hplm in held.users:
            self._held_for[hplm].discard(ref)
        held.lease.release()

    @staticmethod
    def _begin(residency: Residency[BundleRef, P, Any], ref: BundleRef, num_bytes: int) -> P:
        try:
            return residency.begin_load(ref, num_bytes)
        except NoRoom as exc:
            raise _NoPlaceNow(f"{ref.digest}: {exc}") from exc


def _nodes_of(hplm: HplmRef, path: TreePath) -> tuple[BundleRef, ...]:
    """What a model looks up in, root first: the shared nodes, and the leaf that is its alone."""
    return path.nodes if hplm.leaf is None else (*path.nodes, hplm.leaf)
