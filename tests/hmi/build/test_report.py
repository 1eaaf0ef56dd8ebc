"""The report's figures agree with each other and survive JSON."""

import json

import numpy as np
import pytest

from hmi.build.report import HeldOut, held_out_figures, majority_accuracy, plot_cost, worst_mistakes
from wire.codec import to_json


def held_out(correct: list[bool]) -> HeldOut:
    truth = np.zeros(len(correct), np.int64)
    probabilities = np.array([[0.9, 0.1] if hit else [0.1, 0.9] for hit in correct], np.float32)
    return HeldOut(probabilities, truth)


def test_accuracy_confusion_and_interval_agree() -> None:
    figures = held_out_figures(held_out([True] * 9 + [False]), labels=("a", "b"), seed=1)
    assert figures.accuracy == 0.9
    assert figures.confusion == ((9, 1), (0, 0))
    assert figures.accuracy_ci95[0] < 0.9 < figures.accuracy_ci95[1]
    assert json.loads(to_json(figures))["classes"][0]["recall"] == 0.9


@pytest.mark.parametrize(("num_rows", "most"), [(39, 9.0), (1000, 0.4)])
def test_few_rows_that_are_answered_alike_are_no_proof_that_plot_costs_nothing(
    num_rows: int, most: float
) -> None:
    right = np.arange(num_rows) % 4 > 0
    cost = plot_cost(right.astype(np.float64), right.astype(np.float64), seed=1)
    assert cost.delta_points == 0
    assert list(cost.delta_points_ci95) == pytest.approx([-most, most], rel=0.05)
    errors = -np.arange(num_rows, dtype=np.float64)
    assert plot_cost(errors, errors, seed=1).delta_points_ci95 == (0, 0), "of no share, in the data's units"


@pytest.mark.parametrize(("plot", "computed"), [(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.25)])
def test_rows_that_all_say_the_same_leave_open_what_so_few_can(plot: float, computed: float) -> None:
    cost = plot_cost(np.full(40, plot), np.full(40, computed), seed=1)
    low, high = cost.delta_points_ci95
    assert cost.delta_points == pytest.approx(100 * (plot - computed))
    assert -100 <= low <= cost.delta_points <= high <= 100 and high - low >= 8, "three of forty: 7.5"


def test_rows_that_are_better_by_the_same_but_for_rounding_leave_it_open_too() -> None:
    cost = plot_cost(np.array([0.3, 0.7] * 20), np.array([0.1, 0.5] * 20), seed=1)
    low, high = cost.delta_points_ci95
    assert low < 20 < high and high - low >= 8


def test_what_plot_costs_is_in_points_and_paired() -> None:
    cost = plot_cost(np.repeat([1.0, 0.0], [97, 3]), np.repeat([1.0, 0.0], [99, 1]), seed=1)
    assert cost.delta_points == pytest.approx(-2.0)
    assert cost.delta_points_ci95[0] < -2.0 < cost.delta_points_ci95[1] <= 0.0


def test_the_worst_mistakes_are_row_numbers_the_surest_first() -> None:
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.05, 0.95], [0.45, 0.55]], np.float32)
    found = worst_mistakes(
        HeldOut(probabilities, np.array([0, 0, 0, 1])), rows=(7, 11, 13, 17), labels=("x", "y")
    )
    assert [(m.row, m.label, m.predicted) for m in found] == [(13, "x", "y"), (11, "x", "y")]
    assert found[0].predicted_score == pytest.approx(0.95)


def test_the_majority_is_the_training_rows() -> None:
    assert majority_accuracy(np.array([1, 1, 0]), np.array([1, 0, 0, 0])) == 0.25
