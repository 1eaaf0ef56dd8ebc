"""Slices hold every row once and never part equal values."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmi.build.slices import MIN_ROWS, SliceKind, error_slices, slices


def test_thirds_by_length_tell_where_a_model_fails() -> None:
    measure = list(range(90))
    found = slices(SliceKind.LENGTH, measure, np.arange(90) < 60, seed=1)
    assert [(s.low, s.high, s.rows, s.accuracy) for s in found] == [
        (0, 29, 30, 1.0),
        (30, 59, 30, 1.0),
        (60, 89, 30, 0.0),
    ]


def test_of_numbers_the_slices_tell_the_error_with_its_interval() -> None:
    errors = np.repeat([1.0, 2.0, 4.0], 30) + np.tile([-0.5, 0.5], 45)
    found = error_slices(SliceKind.LENGTH, list(range(90)), errors, seed=1)
    assert [(s.low, s.high, s.rows, s.mae) for s in found] == [
        (0, 29, 30, 1.0),
        (30, 59, 30, 2.0),
        (60, 89, 30, 4.0),
    ]
    for one in found:  # of a mean of 30 errors that are half a unit off it
        low, high = one.mae_ci95
        assert 0.1 < one.mae - low < 0.25 and 0.1 < high - one.mae < 0.25


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80))
def test_every_row_is_in_one_slice_and_slices_do_not_overlap(measure: list[int]) -> None:
    found = slices(SliceKind.COVERAGE, measure, np.ones(len(measure), np.bool_), seed=1)
    assert sum(s.rows for s in found) == len(measure)
    assert all(before.high < after.low for before, after in pairwise(found))
    assert len(found) == 1 or min(s.rows for s in found) >= MIN_ROWS
