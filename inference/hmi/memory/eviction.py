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
MAX_USES = 64
"""More uses make an item worth no more: what was used a million times would stay long after its last use, as
the versions that others have replaced do. (Of 200 tenants by Zipf 1.0 over 100 slots who all got new versions
after 50,000 requests, 0.68 of the next 10,000 found theirs there and 0.84 after 40,000 without a bound; 0.81
and 0.87 with it. Where nothing is replaced both find the same.)"""

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
    num_uses: int = 0
    worth: float = 0.0
    touched: int = 0  # the last touch's number: of equals the one used longest ago goes
    is_held: bool = False
    is_in_heap: bool = False


class LeastWorth(Generic[K]):
    """Gives up what is worth least per byte: uses while it was here, up to a bound, times what bringing it
    back costs, over its size, plus an age that rises with every eviction, so that what was popular once goes
    as well.

    (Greedy-Dual-Size-Frequency. Order of access alone forgets a popular item after a flood of rare ones.)
    """

    def __init__(self, *, load_bytes: int) -> None:
        """``load_bytes``: a load's fixed cost, in bytes that could be read in its time."""
        self._load_bytes = load_bytes
        self._age = 0.0
        self._num_touches = 0
        self._known: dict[K, _Worth] = {}
        # Each candidate once, at what it was worth when it came here or more was last known of it: never more
        # than it is now. So a touch costs no step of the heap, and what comes out first may go in again.
        self._heap: list[tuple[float, int, K, _Worth]] = []

    def touch(self, key: K, num_bytes: int) -> None:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _Worth()
        self._num_touches += 1
        known.touched = self._num_touches
        known.num_uses = min(known.num_uses + 1, MAX_USES)
        known.worth = self._age + known.num_uses * (self._load_bytes + num_bytes) / max(num_bytes, 1)
        if not (known.is_in_heap or known.is_held):
            self._push(key, known)

    def forget(self, key: K) -> None:
        known = self._known.pop(key, None)
        if known is not None:
            self._age = max(self._age, known.worth if self._is_least(known) else 0.0)

    def hold(self, key: K) -> None:
        self._known[key].is_held = True

    def let_go(self, key: K) -> None:
        known = self._known[key]
        known.is_held = False
        if not known.is_in_heap:
            self._push(key, known)

    def candidates(self) -> Iterator[K]:
        seen = []
        try:
            while self._settle_least():
                seen.append(heapq.heappop(self._heap))
                yield seen[-1][2]
        finally:
            for entry in seen:
                heapq.heappush(self._heap, entry)

    def _push(self, key: K, known: _Worth) -> None:
        known.is_in_heap = True
        heapq.heappush(self._heap, (known.worth, known.touched, key, known))
        if len(self._heap) > 2 * len(self._known) + 64:  # with what was forgotten
            self._heap = [entry for entry in self._heap if self._known.get(entry[2]) is entry[3]]
            heapq.heapify(self._heap)

    def _settle_least(self) -> bool:
        """Bring the candidate of least worth to the front of the heap; False: there is none."""
        while self._heap:
            _, touched, key, known = self._heap[0]
            if self._known.get(key) is not known or known.is_held:
                heapq.heappop(self._heap)
                known.is_in_heap = False
            elif known.touched != touched:
                heapq.heapreplace(self._heap, (known.worth, known.touched, key, known))
            else:
                return True
        return False

    def _is_least(self, gone: _Worth) -> bool:
        return not self._settle_least() or gone.worth <= self._heap[0][0]
