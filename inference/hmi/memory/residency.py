"""Which items are present in one tier, who is using them, and what goes when room is needed."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from hmi.memory.eviction import EvictionPolicy
from hmi.memory.room import NoRoom, Room

K = TypeVar("K", bound=Hashable)
P = TypeVar("P")
V = TypeVar("V")


class ResidencyState(Enum):
    """ABSENT -> LOADING -> RESIDENT -> EVICTING -> ABSENT; a load that fails goes LOADING -> ABSENT."""

    ABSENT = "absent"
    LOADING = "loading"
    RESIDENT = "resident"
    EVICTING = "evicting"


@dataclass(slots=True)
class _Entry(Generic[P, V]):
    state: ResidencyState
    place: P
    num_bytes: int
    num_leases: int = 0
    value: V | None = None


class _Patience:
    """How much of a waiting time is left."""

    def __init__(self, timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())

    @property
    def is_left(self) -> bool:
        return self.left_s > 0


class Lease(Generic[K, P, V]):
    """Says "do not evict" while it is held. Release it once, or use it as a context manager."""

    __slots__ = ("_is_held", "_residency", "key", "place", "value")

    def __init__(self, residency: "Residency[K, P, V]", key: K, place: P, value: V) -> None:
        self._residency = residency
        self._is_held = True
        self.key = key
        self.place = place
        self.value = value

    def release(self) -> None:
        if not self._is_held:
            raise RuntimeError(f"the lease on {self.key!r} was released twice")
        self._is_held = False
        self._residency._release(self.key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def release_all(leases: Iterable[Lease[Any, Any, Any]]) -> None:
    """As each one's release(), with one wait for the lock of each residency."""
    by_residency: dict[Residency[Any, Any, Any], list[Lease[Any, Any, Any]]] = {}
    for lease in leases:
        by_residency.setdefault(lease._residency, []).append(lease)
    for residency, its in by_residency.items():
        with residency._lock:
            for lease in its:
                lease.release()


class Residency(Generic[K, P, V]):
    """The items of one kind in one tier. Thread-safe; only ``on_evict`` runs under its lock.

    Promises: an item with a lease is never evicted; a place belongs to one item at a time; ``on_evict`` ran
    before a place is handed out again.
    """

    def __init__(
        self,
        room: Room[P],
        policy: EvictionPolicy[K],
        *,
        on_evict: Callable[[K, P, V], None] | None = None,
        max_pinned_bytes: int = 0,
    ) -> None:
        self._room = room
        self._policy = policy
        self._on_evict = on_evict
        self._max_pinned_bytes = max_pinned_bytes
        self._pinned: OrderedDict[K, int] = OrderedDict()
        self._entries: dict[K, _Entry[P, V]] = {}
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._is_closed = False
        self.num_evictions = 0

    def state(self, key: K) -> ResidencyState:
        entry = self._entries.get(key)  # one look needs no lock
        return ResidencyState.ABSENT if entry is None else entry.state

    def has(self, key: K) -> bool:
        """Whether ``key`` is RESIDENT."""
        entry = self._entries.get(key)
        return entry is not None and entry.state is ResidencyState.RESIDENT

    def begin_load(self, key: K, num_bytes: int, *, timeout_s: float = 0.0) -> P:
        """ABSENT -> LOADING: a place for ``key``, evicting what no lease holds.

        Waits up to ``timeout_s`` for leases to end, then raises NoRoom; BudgetExceeded when it can never fit.
        """
        with self._lock:
            if key in self._entries:
                raise RuntimeError(f"{key!r} is already {self._entries[key].state.value}")
            patience = _Patience(timeout_s)
            while (
                (place := self._take_or_evict(num_bytes)) is None and patience.is_left and not self._is_closed
            ):
                self._changed.wait(patience.left_s)
            if place is None:
                raise NoRoom(f"no room for {num_bytes:_} bytes: everything present is in use")
            self._entries[key] = _Entry(ResidencyState.LOADING, place, num_bytes)
            return place

    def finish_load(self, key: K, value: V, *, num_leases: int = 0) -> "list[Lease[K, P, V]]":
        """LOADING -> RESIDENT, with leases for those who wait for it, before anything else can evict it."""
        with self._lock:
            entry = self._expect(key, ResidencyState.LOADING)
            entry.value = value
            entry.state = ResidencyState.RESIDENT
            self._policy.touch(key, entry.num_bytes)
            if num_leases:
                self._add_leases(key, entry, num_leases)
            self._changed.notify_all()
            return [Lease(self, key, entry.place, value) for _ in range(num_leases)]

    def abort_load(self, key: K) -> None:
        """LOADING -> ABSENT: the load failed; its place is free again."""
        with self._lock:
            entry = self._expect(key, ResidencyState.LOADING)
            del self._entries[key]
            self._room.give_back(entry.place)
            self._changed.notify_all()

    def acquire(self, key: K) -> Lease[K, P, V] | None:
        """A lease on a RESIDENT item (and a touch of it), or None when it is in any other state."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.state is not ResidencyState.RESIDENT or entry.value is None:
                return None
            self._add_leases(key, entry, 1)
            self._policy.touch(key, entry.num_bytes)
            return Lease(self, key, entry.place, entry.value)

    def touch(self, key: K) -> bool:
        """Count ``key`` as used now; says whether it is RESIDENT."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.state is not ResidencyState.RESIDENT:
                return False
            self._policy.touch(key, entry.num_bytes)
            return True

    def touch_all(self, keys: Iterable[K]) -> None:
        """As touch() of each, with one wait for the lock."""
        with self._lock:
            for key in keys:
                self.touch(key)

    def pin(self, key: K) -> bool:
        """Keep a RESIDENT item whatever the policy says, until others have taken its share of the pins, or
        evict(key). Says whether it is pinned: one that is larger than ``max_pinned_bytes`` never is.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.state is not ResidencyState.RESIDENT:
                return False
            if entry.num_bytes > self._max_pinned_bytes:
                return False
            self._pinned[key] = entry.num_bytes
            self._pinned.move_to_end(key)
            while sum(self._pinned.values()) > self._max_pinned_bytes:
                self._pinned.popitem(last=False)  # pinned longest ago
            return True

    def evict(self, key: K) -> bool:
        """RESIDENT -> ABSENT unless it is leased; says whether it went. An absent key does nothing."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.state is not ResidencyState.RESIDENT or entry.num_leases > 0:
                return False
            self._evict(key, entry)
            return True

    def evict_one(self) -> bool:
        """Evict what the policy gives up first of all that is neither leased nor pinned; False when nothing
        is left to give up."""
        with self._lock:
            victim = self._victim()
            if victim is not None:
                self._evict(victim, self._entries[victim])
            return victim is not None

    def close(self) -> None:
        """Wake whoever waits for room; they get NoRoom."""
        with self._lock:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def num_items(self) -> int:
        """Items that hold a place now, loads included."""
        with self._lock:
            return len(self._entries)

    def resident_bytes(self) -> Mapping[K, int]:
        """Key -> bytes of everything that holds a place now, loads included."""
        with self._lock:
            return {key: entry.num_bytes for key, entry in self._entries.items()}

    def check_integrity(self) -> None:
        """Raise AssertionError unless the entries, places and the policy's keys agree."""
        with self._lock:
            places = [entry.place for entry in self._entries.values()]
            assert len({id(p) if not isinstance(p, int) else p for p in places}) == len(places), (
                "a place is used twice"
            )
            resident = {k for k, e in self._entries.items() if e.state is ResidencyState.RESIDENT}
            free = {key for key in resident if self._entries[key].num_leases == 0}
            assert set(self._policy.candidates()) == free, "the eviction policy knows other keys"
            assert self._pinned.keys() <= resident, "something absent is pinned"
            assert sum(self._pinned.values()) <= self._max_pinned_bytes, "more is pinned than may be"
            for key, entry in self._entries.items():
                assert entry.num_leases >= 0, f"{key!r} has {entry.num_leases} leases"
                assert entry.state is ResidencyState.RESIDENT or entry.num_leases == 0, (
                    f"{key!r} is leased early"
                )
                assert entry.state is not ResidencyState.EVICTING, f"{key!r} was left half evicted"

    def _add_leases(self, key: K, entry: _Entry[P, V], num_leases: int) -> None:
        if entry.num_leases == 0:
            self._policy.hold(key)
        entry.num_leases += num_leases

    def _release(self, key: K) -> None:
        with self._lock:
            entry = self._entries[key]
            entry.num_leases -= 1
            if entry.num_leases == 0:
                self._policy.let_go(key)
                self._changed.notify_all()

    def _take_or_evict(self, num_bytes: int) -> P | None:
        while True:
            try:
                return self._room.take(num_bytes)
            except NoRoom:
                victim = self._victim()
                if victim is None:
                    return None
                self._evict(victim, self._entries[victim])

    def _victim(self) -> K | None:
        return next((key for key in self._policy.candidates() if key not in self._pinned), None)

    def _evict(self, key: K, entry: _Entry[P, V]) -> None:
        entry.state = ResidencyState.EVICTING
        self._pinned.pop(key, None)
        self._policy.forget(key)
        if self._on_evict is not None and entry.value is not None:
            self._on_evict(key, entry.place, entry.value)
        del self._entries[key]
        self._room.give_back(entry.place)
        self.num_evictions += 1

    def _expect(self, key: K, state: ResidencyState) -> _Entry[P, V]:
        entry = self._entries.get(key)
        found = ResidencyState.ABSENT if entry is None else entry.state
        if entry is None or found is not state:
            raise RuntimeError(f"{key!r} is {found.value}, not {state.value}")
        return entry
