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
FEW_ROWS = 128
"""So many that short runs are filled up to are no waste worth a part of its own."""


class SlotRuns(NamedTuple):
    """Rows of a batch whose slots hold about as many units, as one batched matrix multiplication takes them.

    rows                0 1 2 | 5 6            of slots 4 4 4 | 7 7     filled 0 1 2 | 5 6 6    length 3
    units of slots      4: (2, 9)   7: (5)     units 2 9 | 5 0          back 0 1 2 3 4          depth 2
    """

    rows: Tensor  # int64 [num_rows]
    units: Tensor  # int64 [runs * depth]
    filled: Tensor  # int64 [runs * length]: the rows of each run, its last one until it is as long as any
    back: Tensor  # int64 [num_rows]: where each of ``rows`` stands in ``filled``
    length: int  # rows of the longest run
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
        """All rows of a batch, row i of slot ``slots[i]``, in as few parts as keep small items and short runs
        from being filled up to the size of large ones, and each part to MAX_GATHERED_UNITS or one item. In
        each they stand in the batch's order.

        NO_SLOT stands for an item without units. Raises when a slot is empty.
        """
        self.require_filled(slots)
        starts = np.flatnonzero(np.diff(slots, prepend=_NO_ROW))
        ends = np.append(starts[1:], len(slots))
        runs = [
            _Run(start, end - start, self.units_of(slot))
            for start, end, slot in zip(starts.tolist(), ends.tolist(), slots[starts].tolist(), strict=True)
        ]
        parts: list[_Part] = []
        for run in sorted(runs, key=lambda run: (len(run.units), run.num_rows)):
            if not (parts and parts[-1].takes(run)):
                parts.append(_Part())
            parts[-1].add(run)
        return [part.packed(device) for part in parts]

    def check_integrity(self) -> None:
        """Every unit is free once or held by one slot once."""
        held = [unit for units in self._held for unit in units or ()]
        assert sorted([*held, *self._free]) == list(range(1, self.num_units + 1))
        assert self._stale <= set(self._free)


class _Run(NamedTuple):
    """Neighbouring rows of one slot, and the units that it holds."""

    start: int
    num_rows: int
    units: Sequence[int]


class _Part:
    """Runs that become one SlotRuns: added by rising numbers of units, of rows among equal ones."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._num_rows = 0
        self._longest = 0

    def takes(self, run: _Run) -> bool:
        """Whether little is filled up for it, and few units are copied together."""
        num_runs, fewest = len(self._runs) + 1, len(self._runs[0].units)
        num_filled = num_runs * max(self._longest, run.num_rows)
        return (
            len(run.units) <= max(2 * fewest, 1)
            and num_runs * len(run.units) <= MAX_GATHERED_UNITS
            and num_filled <= max(2 * (self._num_rows + run.num_rows), FEW_ROWS)
        )

    def add(self, run: _Run) -> None:
        self._runs.append(run)
        self._num_rows += run.num_rows
        self._longest = max(self._longest, run.num_rows)

    def packed(self, device: torch.device) -> SlotRuns:
        runs = sorted(self._runs)
        depth = max(1, len(self._runs[-1].units))
        units = np.full((len(runs), depth), EMPTY_UNIT, np.int64)
        for number, run in enumerate(runs):
            units[number, : len(run.units)] = run.units
        starts = np.array([[run.start] for run in runs], np.int64)
        lengths = np.array([[run.num_rows] for run in runs], np.int64)
        places = np.arange(self._longest)
        filled = (starts + np.minimum(places, lengths - 1)).ravel()
        back = np.flatnonzero(places < lengths)
        rows, units_of_runs, filled_rows, places_of_rows = (
            torch.from_numpy(part).to(device) for part in (filled[back], units.ravel(), filled, back)
        )
        return SlotRuns(rows, units_of_runs, filled_rows, places_of_rows, self._longest, depth)
