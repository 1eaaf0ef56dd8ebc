"""Who goes first when a tier is full."""

import heapq
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

DISK_LOAD_BYTES = 10_000_000
"""What a disk reads in the time that it takes to begin: 20 ms at 500 MB/s."""
COPY_LOAD_BYTES = 1_000_000
"""What is copied to the device in the time that a copy takes besides its bytes."""

K = TypeVar("K", bound=Hashable)


class EvictionPolicy(Protocol[K]):
    """The order in which items are given up. Knows keys only; Residency decides which of them may go."""

    def touch(self, key: K, num_bytes: int) -> None:
        """``key``, of that size, was loaded or used now."""

    def forget(self, key: K) -> None:
        """``key`` is gone; an unknown one is ignored."""

    def hold(self, key: K) -> None:
        """``key`` is no candidate from now on."""

    def let_go(self, key: K) -> None:
        """``key``, which was held, is one again."""

    def candidates(self) -> Iterator[K]:
        """All known keys that are not held, the one to give up first at the front. Must not be changed while
        it is read."""


class LeastRecentlyUsed(Generic[K]):
    """Gives up what was not touched for the longest time."""

    def __init__(self) -> None:
        self._keys: OrderedDict[K, None] = OrderedDict()
        self._held: set[K] = set()

    def touch(self, key: K, num_bytes: int) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)

    def forget(self, key: K) -> None:
        self._keys.pop(key, None)
        self._held.discard(key)

    def hold(self, key: K) -> None:
        self._held.add(key)

    def let_go(self, key: K) -> None:
        self._held.discard(key)

    def candidates(self) -> Iterator[K]:
        return (key for key in self._keys if key not in self._held)


@dataclass(slots=True)
class _Worth:
    num_uses: int
    worth: float


class LeastWorth(Generic[K]):
    """Gives up what is worth least per byte: uses while it was here, times what bringing it back costs, over
    its size, plus an age that rises with every eviction, so that what was popular once goes as well.

    (Greedy-Dual-Size-Frequency. Order of access alone forgets a popular item after a flood of rare ones.)
    """

    def __init__(self, *, load_bytes: int) -> None:
        """``load_bytes``: a load's fixed cost, in bytes that could be read in its time."""
        self._load_bytes = load_bytes
        self._age = 0.0
        self._known: dict[K, _Worth] = {}
        self._held: set[K] = set()
        self._heap: list[tuple[float, int, K]] = []  # each candidate at its worth, and what is outdated
        self._num_pushed = 0

    def touch(self, key: K, num_bytes: int) -> None:
        known = self._known.setdefault(key, _Worth(0, 0.0))
        known.num_uses += 1
        known.worth = self._age + known.num_uses * (self._load_bytes + num_bytes) / max(num_bytes, 1)
        if key not in self._held:
            self._push(known.worth, key)

    def forget(self, key: K) -> None:
        known = self._known.pop(key, None)
        self._held.discard(key)
        if known is not None:
            self._age = max(self._age, known.worth if self._is_least(known) else 0.0)

    def hold(self, key: K) -> None:
        self._held.add(key)

    def let_go(self, key: K) -> None:
        self._held.discard(key)
        self._push(self._known[key].worth, key)

    def candidates(self) -> Iterator[K]:
        seen: dict[K, tuple[float, int, K]] = {}
        try:
            while self._heap:
                entry = heapq.heappop(self._heap)
                if self._is_valid(entry) and entry[2] not in seen:
                    seen[entry[2]] = entry
                    yield entry[2]
        finally:
            for entry in seen.values():
                heapq.heappush(self._heap, entry)

    def _push(self, worth: float, key: K) -> None:
        self._num_pushed += 1
        heapq.heappush(self._heap, (worth, self._num_pushed, key))
        if len(self._heap) > 8 * len(self._known) + 64:
            self._heap = [entry for entry in self._heap if self._is_valid(entry)]
            heapq.heapify(self._heap)

    def _is_valid(self, entry: tuple[float, int, K]) -> bool:
        known = self._known.get(entry[2])
        return known is not None and known.worth == entry[0] and entry[2] not in self._held

    def _is_least(self, gone: _Worth) -> bool:
        while self._heap and not self._is_valid(self._heap[0]):
            heapq.heappop(self._heap)
        return not self._heap or gone.worth <= self._heap[0][0]
