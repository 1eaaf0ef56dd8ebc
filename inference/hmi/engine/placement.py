"""Brings the models of waiting requests near and holds them in place while a batch runs."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from hmi.base.errors import BudgetExceeded, HmiError, NotReady
from hmi.engine.inbox import Inbox
from hmi.engine.request import HplmRef
from hmi.engine.scheduler import Temperature
from hmi.memory.arena import Arena
from hmi.memory.budget import Reservation
from hmi.memory.loader import Loader
from hmi.memory.residency import Lease, Residency, ResidencyState
from hmi.memory.room import NoRoom
from hmi.memory.slots import Slot
from wire.artifacts import AdapterFields, BundleRef

MAX_KNOWN_TREES = 65536
"""Paths of trees that are remembered: a few hundred bytes each."""


class HostHplm(Protocol):
    """A verified adapter with head and labels, in the host tier."""

    @property
    def fields(self) -> AdapterFields: ...

    @property
    def num_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True)
class TreePath:
    """The nodes of one tree version, root first."""

    nodes: tuple[BundleRef, ...]


AdapterT = TypeVar("AdapterT", bound=HostHplm)
TableT = TypeVar("TableT")
P = TypeVar("P")
TableT_contra = TypeVar("TableT_contra", contravariant=True)


class NodeArena(Protocol[TableT_contra]):
    """The loaded PLOT nodes on the device. Engine thread only."""

    def bytes_of(self, table: TableT_contra) -> int:
        """What a table takes here."""

    def add(self, table: TableT_contra) -> int:
        """Copy a table in; its node number. Raises BudgetExceeded when there is no room for it now."""

    def remove(self, node: int) -> None:
        """Forget a node; its number may be used again."""


@dataclass(frozen=True, slots=True)
class DeviceAdapter:
    """An adapter with its head, on the device."""

    slot: Slot
    num_labels: int


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """A PLOT node on the device."""

    number: int


@dataclass(frozen=True, slots=True)
class PlacedHplm:
    """Where the forward finds one model."""

    slot: Slot
    num_labels: int
    path: tuple[int, ...]  # node numbers, root first


@dataclass(slots=True)
class BatchLeases:
    """Everything that one batch reads, held until release; a context manager."""

    placed: dict[HplmRef, PlacedHplm] = field(default_factory=dict)
    failed: dict[HplmRef, HmiError] = field(default_factory=dict)
    leases: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leases.close()


@dataclass(slots=True)
class _Fetch:
    """A load under way and the models that wait for it."""

    dependents: set[HplmRef]


class HplmPlacement(Generic[AdapterT, TableT]):
    """Adapters: disk -> host -> device slot. PLOT nodes: disk -> host -> arena, shared by digest.

    Engine thread only; the loaders' threads report through the inbox. Disk is read on those; the
    engine thread only copies from host to device, between batches.
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
    ) -> None:
        self._adapter_loader = adapter_loader
        self._tree_loader = tree_loader
        self._table_loader = table_loader
        self._slots = slots
        self._adapter_arena = adapter_arena
        self._nodes = nodes
        self._node_arena = node_arena
        self._inbox = inbox
        self._paths: OrderedDict[BundleRef, TreePath] = OrderedDict()
        self._held: dict[BundleRef, Lease[BundleRef, Reservation, AdapterT]] = {}
        self._fetches: dict[tuple[str, BundleRef], _Fetch] = {}
        self._moved: dict[HplmRef, HmiError | None] = {}

    def advance(self, hplm: HplmRef) -> bool:
        """True when all of ``hplm`` is at hand; else starts what is missing, to be seen in take_moved()."""
        has_path = self._has_path(hplm)
        has_adapter = self._has_adapter(hplm)
        return has_path and has_adapter

    def take_moved(self) -> Mapping[HplmRef, HmiError | None]:
        """Models for which something arrived, or failed, since the last call."""
        moved, self._moved = self._moved, {}
        return moved

    def let_go(self, hplm: HplmRef) -> None:
        """No open request wants ``hplm`` any more: it may leave the host tier when room is needed."""
        lease = self._held.pop(hplm.adapter, None)
        if lease is not None:
            lease.release()

    def temperature(self, hplm: HplmRef) -> Temperature:
        path = self._paths.get(hplm.tree)
        if path is None or any(not self._is_resident(self._nodes, node) for node in path.nodes):
            return Temperature.GONE
        if self._is_resident(self._slots, hplm.adapter):
            return Temperature.HOT
        return Temperature.COLD if hplm.adapter in self._held else Temperature.GONE

    def lease(self, hplms: Iterable[HplmRef]) -> BatchLeases:
        """Promote what is cold and hold all of it. A model that cannot be placed is in ``failed``, alone."""
        leases = BatchLeases()
        for hplm in hplms:
            try:
                leases.placed[hplm] = self._place(hplm, leases.leases)
            except HmiError as error:
                leases.failed[hplm] = error
        return leases

    def quarantine(self, hplm: HplmRef, error: HmiError) -> None:
        """The adapter was found broken after it had been loaded: it fails until the catalog names another."""
        self.let_go(hplm)
        self._slots.evict(hplm.adapter)
        self._adapter_loader.quarantine(hplm.adapter, error)

    @property
    def num_nodes(self) -> int:
        """PLOT nodes on the device."""
        return len(self._nodes.resident_bytes())

    @property
    def num_adapters(self) -> int:
        """Adapters on the device."""
        return len(self._slots.resident_bytes())

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
        for lease in self._held.values():
            lease.release()
        self._held.clear()

    def check_integrity(self) -> None:
        self._slots.check_integrity()
        self._nodes.check_integrity()

    # What is missing

    def _has_path(self, hplm: HplmRef) -> bool:
        path = self._paths.get(hplm.tree)
        if path is None:
            self._fetch("tree", self._tree_loader, hplm.tree, hplm, self._remember_path)
            return False
        # Touched, so that installing one node of a path does not push out another of the same path.
        missing = [node for node in path.nodes if not self._nodes.touch(node)]
        for node in missing:
            self._fetch("table", self._table_loader, node, hplm, self._install)
        return not missing

    def _has_adapter(self, hplm: HplmRef) -> bool:
        if self._is_resident(self._slots, hplm.adapter) or hplm.adapter in self._held:
            return True
        self._fetch("adapter", self._adapter_loader, hplm.adapter, hplm, self._hold)
        return False

    def _fetch(
        self,
        kind: str,
        loader: Loader[BundleRef, Any],
        ref: BundleRef,
        hplm: HplmRef,
        arrive: Callable[[BundleRef, Any], None],
    ) -> None:
        fetch = self._fetches.get((kind, ref))
        if fetch is not None:
            fetch.dependents.add(hplm)
            return
        self._fetches[kind, ref] = _Fetch({hplm})
        future = loader.acquire(ref)
        future.add_done_callback(
            lambda done: self._inbox.post(partial(self._arrived, kind, ref, arrive, done))
        )

    def _arrived(
        self,
        kind: str,
        ref: BundleRef,
        arrive: Callable[[BundleRef, Any], None],
        done: "Future[Lease[BundleRef, Reservation, Any]]",
    ) -> None:
        fetch = self._fetches.pop((kind, ref))
        error: HmiError | None = None
        try:
            arrive(ref, done.result())
        except HmiError as exc:
            error = exc
        except CancelledError:
            error = NotReady("the service is closing")
        for hplm in fetch.dependents:
            self._moved[hplm] = self._moved.get(hplm) or error

    def _remember_path(self, ref: BundleRef, lease: Lease[BundleRef, Reservation, TreePath]) -> None:
        with lease:
            self._paths[ref] = lease.value
        if len(self._paths) > MAX_KNOWN_TREES:
            self._paths.popitem(last=False)

    def _install(self, ref: BundleRef, lease: Lease[BundleRef, Reservation, TableT]) -> None:
        with lease:
            self._begin(self._nodes, ref, self._node_arena.bytes_of(lease.value))
            try:
                number = self._add_node(lease.value)
            except BaseException:
                self._nodes.abort_load(ref)
                raise
            self._nodes.finish_load(ref, DeviceNode(number))

    def _add_node(self, table: TableT) -> int:
        while True:
            try:
                return self._node_arena.add(table)
            except BudgetExceeded:
                # Enough bytes are free, but not in one piece.
                if not self._nodes.evict_one():
                    raise

    def _hold(self, ref: BundleRef, lease: Lease[BundleRef, Reservation, AdapterT]) -> None:
        self._held[ref] = lease

    # Placing a batch

    def _place(self, hplm: HplmRef, leases: ExitStack) -> PlacedHplm:
        path = []
        for ref in self._paths[hplm.tree].nodes:
            node = self._nodes.acquire(ref)
            assert node is not None, f"{ref.digest} was scheduled and is not on the device"
            path.append(leases.enter_context(node).value.number)
        adapter = self._slots.acquire(hplm.adapter) or self._promote(hplm.adapter)
        leases.enter_context(adapter)
        self.let_go(hplm)
        return PlacedHplm(adapter.value.slot, adapter.value.num_labels, tuple(path))

    def _promote(self, ref: BundleRef) -> Lease[BundleRef, Slot, DeviceAdapter]:
        host = self._held[ref].value
        slot = self._begin(self._slots, ref, host.num_bytes)
        try:
            self._adapter_arena.write(slot, host)
        except BaseException:
            self._slots.abort_load(ref)
            raise
        return self._slots.finish_load(ref, DeviceAdapter(slot, len(host.fields.labels)), num_leases=1)[0]

    @staticmethod
    def _begin(residency: Residency[BundleRef, P, Any], ref: BundleRef, num_bytes: int) -> P:
        try:
            return residency.begin_load(ref, num_bytes)
        except NoRoom as exc:
            raise BudgetExceeded(
                f"{ref.digest}: {exc}", needed_bytes=num_bytes, free_bytes=0, retryable=True
            ) from exc

    @staticmethod
    def _is_resident(residency: "Residency[BundleRef, Any, Any]", ref: BundleRef) -> bool:
        return residency.state(ref) is ResidencyState.RESIDENT
