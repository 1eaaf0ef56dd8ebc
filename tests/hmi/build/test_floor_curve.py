"""The curve over the coverage floor: each row is counted as it would be answered."""

import numpy as np
import pytest

from hmi.build.evaluation import Predictions
from hmi.build.floor_curve import SHARES, floor_curve, floors_of
from wire.inference import Coverage

KNOWN = np.array([0.9, 0.1, 0.5, 0.5, 0.7, 0.3, 1.0, 0.8, 0.6, 0.2])


def predictions(*, retrieve_s: float, compute_s: float) -> Predictions:
    rows = np.zeros((len(KNOWN), 4))
    rows[:, 0], rows[:, 2] = KNOWN, 1 - KNOWN
    return Predictions(
        np.zeros((len(KNOWN), 2), np.float32), Coverage(0, 0, 0, 0), rows, retrieve_s, compute_s, 32
    )


def test_rows_under_the_floor_count_as_computed_and_the_others_as_looked_up() -> None:
    looked_up = (KNOWN >= 0.5).astype(np.float64)  # right where it knew enough
    curve = floor_curve(
        predictions(retrieve_s=0.01, compute_s=0.09),
        predictions(retrieve_s=0.21, compute_s=0.09),
        looked_up,
        np.ones(len(KNOWN)),
        seed=1,
    )
    assert (curve[0].floor, curve[0].computed_share, curve[0].accuracy) == (0.0, 0.0, 0.7)
    assert curve[0].gain_points == 0.0
    assert curve[0].text_ms == pytest.approx(10.0)
    at_half = next(point for point in curve if point.floor == 0.5)
    assert at_half.computed_share == pytest.approx(0.3)
    assert at_half.accuracy == 1.0
    assert at_half.gain_points == pytest.approx(30.0)
    assert at_half.text_ms == pytest.approx(0.3 * 30 + 0.7 * 10)
    assert at_half.gain_points_ci95[0] <= 30.0 <= at_half.gain_points_ci95[1]
    assert curve[-1].floor == 1.0
    assert curve[-1].computed_share == pytest.approx(0.9), "at the floor is not under it"


def test_floors_rise_and_part_no_rows_of_equal_coverage() -> None:
    floors = floors_of(KNOWN)
    assert floors == sorted(floors) and len(floors) <= len(SHARES)
    shares = [(floor > KNOWN).mean() for floor in floors]
    assert len(set(shares)) == len(shares)
    assert floors_of([0.4] * 7) == [0.0, 1.0]
