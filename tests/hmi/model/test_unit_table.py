"""Rows of a batch become few multiplications, each with every row once, its own units, and little besides."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.model.unit_table import EMPTY_UNIT, FEW_ROWS, MAX_GATHERED_UNITS, NO_SLOT, SlotRuns, UnitTable
from tests.tiny.device import DEVICE

NUM_UNITS = [0, 1, 1, 2, 3, 5, 40, 125]  # of each slot's item


@pytest.fixture(scope="module")
def table() -> UnitTable:
    filled = UnitTable(num_slots=len(NUM_UNITS), num_units=sum(NUM_UNITS), max_units=125, unit_bytes=1)
    for slot, num_units in enumerate(NUM_UNITS):
        filled.assign(slot, num_units)
    return filled


def check_part(table: UnitTable, slots: list[int], part: SlotRuns) -> None:
    """What is multiplied is each row by its own units, and at most about twice as much."""
    rows, back = part.rows.tolist(), part.back.tolist()
    filled, units = part.filled.view(-1, part.length).tolist(), part.units.view(-1, part.depth).tolist()
    assert [filled[place // part.length][place % part.length] for place in back] == rows == sorted(rows)
    for own_rows, own_units in zip(filled, units, strict=True):
        slot = slots[own_rows[0]]
        assert {slots[row] for row in own_rows} == {slot}
        expected = table.units_of(slot)
        assert own_units == [*expected, *[EMPTY_UNIT] * (part.depth - len(expected))]
    assert part.filled.numel() <= max(2 * len(rows), FEW_ROWS)
    num_units = sum(len(table.units_of(slots[own_rows[0]])) for own_rows in filled)
    assert part.units.numel() <= max(2 * num_units, len(filled))
    assert part.units.numel() <= MAX_GATHERED_UNITS or len(filled) == 1


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([NO_SLOT, *range(len(NUM_UNITS))]), st.sampled_from([1, 2, 3, 50, 300])),
        min_size=1,
        max_size=40,
    )
)
def test_every_row_stands_once_beside_its_own_units(table: UnitTable, runs: list[tuple[int, int]]) -> None:
    slots = [slot for slot, num_rows in runs for _ in range(num_rows)]
    parts = table.runs(np.array(slots), DEVICE)
    for part in parts:
        check_part(table, slots, part)
    rows = torch.cat([part.rows for part in parts])
    assert sorted(rows.tolist()) == list(range(len(slots)))
    if len(parts) == 1:
        assert rows.tolist() == list(range(len(slots))), "its logits are taken as they are"


@pytest.mark.parametrize(
    ("lengths", "num_parts"), [([1] * 32, 1), ([3, 1] * 16, 1), ([4] * 32, 1), ([1] * 31 + [300], 2)]
)
def test_a_long_run_alone_is_a_part_of_its_own(table: UnitTable, lengths: list[int], num_parts: int) -> None:
    """A head that reads the tokens of a long document had every other filled up to its rows."""
    slots = np.repeat(np.resize([1, 2], len(lengths)), lengths)
    assert len(table.runs(slots, DEVICE)) == num_parts
