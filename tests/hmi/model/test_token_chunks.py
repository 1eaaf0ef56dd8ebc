"""How a mixed batch is cut into chunks with their units."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import HmiError
from hmi.model.token_chunks import CHUNK_TOKENS, ChunkGroup, most_units, padded_tokens, token_chunks
from hmi.model.unit_table import EMPTY_UNIT, NO_SLOT, UnitTable

UNITS = {0: 1, 1: 3, 2: 0, 3: 1}
"""Slot -> units that it holds; slot 4 is empty."""


AFTER = {1, 3}
"""Slots whose adapters read outputs."""


@pytest.fixture(scope="module")
def table() -> UnitTable:
    made = UnitTable(num_slots=5, num_units=8, max_units=3, unit_bytes=1)
    for slot, num_units in UNITS.items():
        made.assign(slot, num_units)
    return made


def chunks_of(slots: list[int], lengths: list[int], table: UnitTable) -> list[ChunkGroup]:
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    return token_chunks(
        np.array(slots),
        offsets,
        table,
        np.array([slot in AFTER for slot in range(table.num_slots)]),
        unit_rank=2,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([NO_SLOT, 0, 1, 2, 3]), st.integers(1, 100)), min_size=1, max_size=20)
)
def test_every_token_keeps_the_units_of_its_slot_and_no_others(
    table: UnitTable, batch: list[tuple[int, int]]
) -> None:
    slots, lengths = [slot for slot, _ in batch], [length for _, length in batch]
    kept: dict[int, list[int]] = {}
    for group in chunks_of(slots, lengths, table):
        units = group.units.view(group.num_chunks, -1)
        for chunk in range(group.num_chunks):
            for place in range(CHUNK_TOKENS):
                columns = group.keep[chunk, place].view(-1, 2)
                assert torch.equal(columns[:, 0], columns[:, 1]), "both ranks of a unit or none"
                token = group.first_token + chunk * CHUNK_TOKENS + place
                kept[token] = units[chunk][columns[:, 0] > 0].tolist()
    of_token = [slot for slot, length in batch for _ in range(length)]
    for token in range(padded_tokens(len(of_token))):
        slot = of_token[token] if token < len(of_token) else NO_SLOT
        expected = [] if slot == NO_SLOT else table.units_of(slot)
        found = [unit for unit in kept.get(token, []) if unit != EMPTY_UNIT]
        assert found == expected


def test_units_of_slots_that_read_outputs_are_marked_and_no_others(table: UnitTable) -> None:
    [group] = chunks_of([0, 1, NO_SLOT, 3], [30, 30, 40, 70], table)
    assert group.reads_outputs is not None
    marked = group.reads_outputs.view(group.num_chunks, -1, 2)
    assert torch.equal(marked[..., 0], marked[..., 1]), "both ranks of a unit or none"
    expected = {*table.units_of(1), *table.units_of(3)}
    for units, marks in zip(group.units.view(group.num_chunks, -1), marked[..., 0], strict=True):
        assert set(units[marks].tolist()) == expected & set(units.tolist())
    [plain] = chunks_of([0, 2], [30, 30], table)
    assert plain.reads_outputs is None


def test_an_empty_slot_is_refused(table: UnitTable) -> None:
    with pytest.raises(HmiError, match="empty"):
        chunks_of([0, 4], [3, 3], table)


def test_a_batch_without_units_has_no_groups(table: UnitTable) -> None:
    assert chunks_of([NO_SLOT, 2], [70, 30], table) == []


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(0, 39), st.one_of(st.integers(1, 8), st.integers(1, 99))), min_size=1),
)
def test_no_batch_gathers_more_units_than_are_reserved(max_units: int, batch: list[tuple[int, int]]) -> None:
    table = UnitTable(num_slots=40, num_units=40 * max_units, max_units=max_units, unit_bytes=1)
    for slot in range(40):
        table.assign(slot, max_units)
    longest: dict[int, int] = {}
    for slot, length in batch:
        longest[slot] = max(length, longest.get(slot, 0))
    batch = sorted(batch, key=lambda row: (-longest[row[0]], row[0]))  # as the runner lays it
    offsets = np.concatenate(([0], np.cumsum([length for _, length in batch])))
    groups = token_chunks(
        np.array([slot for slot, _ in batch]),
        offsets,
        table,
        np.zeros(40, np.bool_),
        unit_rank=1,
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    assert max(len(group.units) for group in groups) <= most_units(
        max_tokens=int(offsets[-1]), max_rows=len(batch), max_adapters=len(longest), max_units=max_units
    )
