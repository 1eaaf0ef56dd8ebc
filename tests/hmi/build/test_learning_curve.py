"""What more rows would bring: measured, forecast, and as sure as the intervals say."""

import numpy as np
import pytest

from hmi.build.frozen_probe import PooledProbe, places_after
from hmi.build.label_errors import SingleLabelJudge
from hmi.build.learning_curve import LearningCurve, forecast, learning_curve
from hmi.build.metrics import wilson_interval
from tests.hmi.build.test_label_errors import clusters

SPREAD = 2.5


def curve_of(num_train: int, num_test: int, *, seed: int = 1, spread: float = SPREAD) -> LearningCurve | None:
    features, truth = clusters(num_train + num_test, seed=seed, spread=spread)
    train, test = places_after([num_train, num_test])
    return learning_curve(PooledProbe(SingleLabelJudge(3), features, truth), train, test, seed=1)


def test_the_curve_rises_and_its_points_lie_in_their_intervals() -> None:
    curve = curve_of(200, 1000)
    assert curve is not None
    assert [point.rows for point in curve.points] == [50, 100, 200]
    assert curve.points[0].accuracy < curve.points[-1].accuracy
    for point in curve.points:
        low, high = point.accuracy_ci95
        assert low <= point.accuracy <= high <= 1
        assert 0.01 < high - low < 0.2


def test_an_accuracy_near_nought_is_no_less_than_that() -> None:
    random = np.random.default_rng(0)
    features, truth = random.normal(size=(140, 8)).astype(np.float32), random.integers(0, 30, 140)
    train, test = places_after([100, 40])
    curve = learning_curve(PooledProbe(SingleLabelJudge(30), features, truth), train, test, seed=1)
    assert curve is not None and curve.forecast is not None
    for point in (*curve.points, curve.forecast):
        low, high = point.accuracy_ci95
        assert 0 <= low <= point.accuracy < 0.1 < high


def test_rows_that_are_all_right_are_no_proof_of_an_accuracy_of_1() -> None:
    curve = curve_of(100, 40, spread=0.2)
    assert curve is not None and curve.forecast is None
    of_forty = wilson_interval(1.0, 40)
    assert {point.accuracy for point in curve.points} == {1.0}
    assert {point.accuracy_ci95 for point in curve.points} == {(of_forty.low, of_forty.high)}


def test_the_forecast_follows_its_own_law() -> None:
    law = [(rows, 1 - 0.8 * rows**-0.5) for rows in (25, 50, 100)]
    assert forecast(law, rows=200) == pytest.approx(1 - 0.8 * 200**-0.5)


def test_there_is_no_forecast_where_more_rows_have_not_helped_and_no_curve_of_a_few() -> None:
    assert forecast([(25, 0.9), (50, 0.9), (100, 0.88)], rows=200) is None
    assert forecast([(25, 1.0), (50, 1.0), (100, 1.0)], rows=200) is None
    assert curve_of(20, 20) is None


def test_the_interval_of_a_forecast_holds_what_twice_the_rows_then_give() -> None:
    """Of 40 datasets with few rows to test on, by heads that were fitted on twice the rows and tested on
    many."""
    num_train, num_test, held = 120, 80, []
    for seed in range(40):
        curve = curve_of(num_train, num_test, seed=seed)
        assert curve is not None
        if curve.forecast is None:
            continue
        low, high = curve.forecast.accuracy_ci95
        assert low <= curve.forecast.accuracy <= high
        assert curve.forecast.rows == 2 * num_train
        measured = [(point.rows, point.accuracy) for point in curve.points]
        assert curve.forecast.accuracy == forecast(measured, rows=2 * num_train)
        features, truth = clusters(2 * num_train + 4000, seed=1000 + seed, spread=SPREAD)
        probe = PooledProbe(SingleLabelJudge(3), features, truth)
        train, test = places_after([2 * num_train, 4000])
        held.append(low <= probe.quality(probe.row_sums(train, test).sum(axis=0)) <= high)
    assert len(held) >= 20
    assert np.mean(held) >= 0.85


def test_an_interval_narrows_with_the_rows_that_are_tested_on() -> None:
    few, many = curve_of(200, 100), curve_of(200, 3000)
    assert few is not None and many is not None
    widths = [high - low for low, high in (curve.points[-1].accuracy_ci95 for curve in (few, many))]
    assert widths[1] < widths[0] / 2
