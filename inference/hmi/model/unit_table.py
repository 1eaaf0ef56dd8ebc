"""Which units of a pre-allocated arena each slot holds: items of different sizes without holes between
them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmi.base.errors import BudgetExceeded, HmiError
from wire.errors import ErrorCode

EMPTY_UNIT = 0
"""The unit that no slot owns; its content has no effect, and it fills up rows of fewer units than the
longest."""

NO_SLOT = -1
_NO_ROW = -2


MAX_GATHERED_UNITS = 256
"""Units that are copied together for one multiplication: what that works in stays small, however large items
are. (With 32 items of 125 units one copy of all took 50 MB and five times as long.)"""


class SlotRuns(NamedTuple):
    """Rows of a batch whose slots hold about as many units, as one grouped matrix multiplication takes them.

    rows                0 1 2 | 5 6            of slots 4 4 4 | 7 7     ends 3 5
    units of slots      4: (2, 9)   7: (5)     units 2 9 | 5 0          depth 2
    """

    rows: Tensor  # int64 [num_rows]
    units: Tensor  # int64 [runs * depth]
    ends: Tensor  # int32 [runs]: which of ``rows`` is the first after each run
    depth: int  # units of the longest item


class UnitTable:
    """Slots of one arena and the units that each holds. Its owner's thread only.

    A slot is empty, or holds an item of 0 to ``max_units`` units.
    """

    def __init__(self, *, num_slots: int, num_units: int, max_units: int, unit_bytes: int) -> None:
        """Units are numbered from 1 to ``num_units``; EMPTY_UNIT is one more."""
        if num_slots < 1 or num_units < 1:
            raise ValueError(f"an arena needs slots and units, got {num_slots} and {num_units}")
        self.num_slots = num_slots
        self.num_units = num_units
        self.max_units = max_units
        self._unit_bytes = unit_bytes
        self._free = list(range(num_units, EMPTY_UNIT, -1))
        self._held: list[list[int] | None] = [None] * num_slots  # of each slot; None: it is empty
        self._stale: set[int] = set()  # free, with what the last owner left

    @property
    def num_free_units(self) -> int:
        return len(self._free)

    def require_room(self, slot: int, num_units: int) -> None:
        """Raise BudgetExceeded unless an item of ``num_units`` can take the place of what ``slot`` holds."""
        available = min(self.max_units, len(self._free) + len(self.units_of(slot)))
        if num_units > available:
            raise BudgetExceeded(
                f"an item needs {num_units} units of {self._unit_bytes} bytes, {available} can be had: "
                f"a slot holds at most {self.max_units}, {len(self._free)} of {self.num_units} are free",
                needed_bytes=num_units * self._unit_bytes,
                free_bytes=available * self._unit_bytes,
            )

    def assign(self, slot: int, num_units: int) -> list[int]:
        """Units for a new item in the empty ``slot``, for which there is room: those given back last, all of
        which the caller overwrites."""
        if self._held[slot] is not None:
            raise HmiError(ErrorCode.INTERNAL, f"slot {slot} is not empty")
        units = [self._free.pop() for _ in range(num_units)]
        self._held[slot] = units
        self._stale.difference_update(units)
        return units

    def release(self, slot: int) -> None:
        """Empty ``slot``; nothing happens to an empty one."""
        units = self.units_of(slot)
        self._free.extend(reversed(units))
        self._stale.update(units)
        self._held[slot] = None

    def take_stale(self) -> list[int]:
        """Units that no slot has held since they were released: the caller overwrites them now."""
        units = list(self._stale)
        self._stale.clear()
        return units

    def require_filled(self, slots: NDArray[np.int64]) -> None:
        """Raise when one of ``slots`` is empty (NO_SLOT is not): its item was evicted under a batch, which
        leases are there to prevent."""
        empty = [slot for slot in slots.tolist() if slot != NO_SLOT and self._held[slot] is None]
        if empty:
            raise HmiError(ErrorCode.INTERNAL, f"slots {empty} are empty")

    def units_of(self, slot: int) -> Sequence[int]:
        """The units that ``slot`` holds, the first ranks first; none for NO_SLOT."""
        return [] if slot == NO_SLOT else self._held[slot] or []

    def runs(self, slots: NDArray[np.int64], device: torch.device) -> list[SlotRuns]:
        """All rows of a batch, row i of slot ``slots[i]``, in as few parts as keep small items from being
        filled up to the size of large ones, and each part to MAX_GATHERED_UNITS or one item. In each they
        stand in the batch's order.

        NO_SLOT stands for an item without units. Raises when a slot is empty.
        """
        self.require_filled(slots)
        starts = np.flatnonzero(np.diff(slots, prepend=_NO_ROW))
        ends = np.append(starts[1:], len(slots))
        held = [self.units_of(slot) for slot in slots[starts].tolist()]
        parts: list[list[int]] = []
        for run in sorted(range(len(held)), key=lambda run: len(held[run])):
            if not parts or not _are_alike(held[parts[-1][0]], held[run], len(parts[-1]) + 1):
                parts.append([])
            parts[-1].append(run)
        return [
            _slot_runs(
                [np.arange(starts[run], ends[run]) for run in sorted(part)],
                [held[run] for run in sorted(part)],
                device,
            )
            for part in parts
        ]

    def check_integrity(self) -> None:
        """Every unit is free once or held by one slot once."""
        held = [unit for units in self._held for unit in units or ()]
        assert sorted([*held, *self._free]) == list(range(1, self.num_units + 1))
        assert self._stale <= set(self._free)


def _are_alike(fewest: Sequence[int], most: Sequence[int], num_runs: int) -> bool:
    """Whether so many runs, with ``fewest`` to ``most`` units, may be one part."""
    return len(most) <= max(2 * len(fewest), 1) and num_runs * len(most) <= MAX_GATHERED_UNITS


def _slot_runs(
    rows: Sequence[NDArray[np.int64]], held: Sequence[Sequence[int]], device: torch.device
) -> SlotRuns:
    depth = max(1, *map(len, held))
    units = np.full((len(held), depth), EMPTY_UNIT, np.int64)
    for run, its in enumerate(held):
        units[run, : len(its)] = its
    return SlotRuns(
        rows=torch.from_numpy(np.concatenate(rows)).to(device),
        units=torch.from_numpy(units.ravel()).to(device),
        ends=torch.from_numpy(np.cumsum([len(its) for its in rows]).astype(np.int32)).to(device),
        depth=depth,
    )
