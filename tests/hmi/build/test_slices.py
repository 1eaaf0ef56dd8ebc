"""Slices hold every row once and never part equal values."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmi.build.slices import MIN_ROWS, SliceKind, slices


def test_thirds_by_length_tell_where_a_model_fails() -> None:
    measure = list(range(90))
    found = slices(SliceKind.LENGTH, measure, np.arange(90) < 60, seed=1)
    assert [(s.low, s.high, s.rows, s.accuracy) for s in found] == [
        (0, 29, 30, 1.0),
        (30, 59, 30, 1.0),
        (60, 89, 30, 0.0),
    ]


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80))
def test_every_row_is_in_one_slice_and_slices_do_not_overlap(measure: list[int]) -> None:
    found = slices(SliceKind.COVERAGE, measure, np.ones(len(measure), np.bool_), seed=1)
    assert sum(s.rows for s in found) == len(measure)
    assert all(before.high < after.low for before, after in pairwise(found))
    assert len(found) == 1 or min(s.rows for s in found) >= MIN_ROWS
