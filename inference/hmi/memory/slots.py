"""Equal places of a pre-allocated arena, handed out lowest first."""

import heapq
from typing import NewType

Slot = NewType("Slot", int)


class SlotsExhausted(Exception):
    """No slot is free; the owner evicts something or waits."""


class SlotPool:
    """Which slots of an arena are free. Not thread-safe: its owner's thread only."""

    def __init__(self, num_slots: int) -> None:
        if num_slots < 1:
            raise ValueError(f"an arena needs at least one slot, got {num_slots}")
        self.num_slots = num_slots
        self._free = list(range(num_slots))
        self._is_taken = [False] * num_slots

    @property
    def num_free(self) -> int:
        return len(self._free)

    def acquire(self) -> Slot:
        """The lowest free slot; raises SlotsExhausted when all are taken."""
        if not self._free:
            raise SlotsExhausted(f"all {self.num_slots} slots are taken")
        slot = heapq.heappop(self._free)
        self._is_taken[slot] = True
        return Slot(slot)

    def release(self, slot: Slot) -> None:
        """Give a taken slot back; releasing a free one is a bug and raises."""
        if not self._is_taken[slot]:
            raise RuntimeError(f"slot {slot} is already free")
        self._is_taken[slot] = False
        heapq.heappush(self._free, slot)

    def check_integrity(self) -> None:
        """Raise AssertionError unless every slot is either free once or taken."""
        assert len(set(self._free)) == len(self._free), "a slot is free twice"
        assert all(self._is_taken[slot] != (slot in set(self._free)) for slot in range(self.num_slots))
