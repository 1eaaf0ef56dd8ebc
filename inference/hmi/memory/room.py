"""Where a tier's items go: numbered slots, or bytes of a budget."""

from typing import Protocol, TypeVar

from hmi.base.errors import BudgetExceeded
from hmi.memory.budget import Budget, Reservation
from hmi.memory.slots import Slot, SlotPool

P = TypeVar("P")


class NoRoom(Exception):
    """Nothing more fits now; it may after an eviction."""


class Room(Protocol[P]):
    """Space for items of one kind in one tier. ``P`` is the place an item gets."""

    def take(self, num_bytes: int) -> P:
        """A place for ``num_bytes``; raises NoRoom, or BudgetExceeded when it can never fit."""

    def give_back(self, place: P) -> None:
        """The place is free again."""


class SlotRoom:
    """Room in slots of equal size; what does not fit one is for the arena's write() to refuse."""

    def __init__(self, pool: SlotPool) -> None:
        self._pool = pool

    def take(self, num_bytes: int) -> Slot:
        if self._pool.num_free == 0:
            raise NoRoom(f"all {self._pool.num_slots} slots are taken")
        return self._pool.acquire()

    def give_back(self, place: Slot) -> None:
        self._pool.release(place)


class ByteRoom:
    """Room in bytes: at most ``max_bytes`` of a budget, for one kind of content."""

    def __init__(self, budget: Budget, *, kind: str, max_bytes: int) -> None:
        self._budget = budget
        self._kind = kind
        self._max_bytes = max_bytes

    def take(self, num_bytes: int) -> Reservation:
        if num_bytes > self._max_bytes:
            raise BudgetExceeded(
                f"{self._kind}: an item of {num_bytes:_} bytes does not fit its {self._max_bytes:_} bytes "
                f"of the {self._budget.tier} budget",
                needed_bytes=num_bytes,
                free_bytes=self._max_bytes,
            )
        used = self._budget.used_by_kind().get(self._kind, 0)
        if used + num_bytes > self._max_bytes:
            raise NoRoom(
                f"{self._kind}: {used:_} of {self._max_bytes:_} bytes are in use, {num_bytes:_} more wanted"
            )
        try:
            return self._budget.reserve(self._kind, num_bytes)
        except BudgetExceeded as exc:
            raise NoRoom(str(exc)) from exc

    def give_back(self, place: Reservation) -> None:
        self._budget.release(place)
