"""The report's figures agree with each other and survive JSON."""

import json

import numpy as np
import pytest

from hmi.build.report import HeldOut, held_out_figures, plot_cost
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


def test_what_plot_costs_is_in_points_and_paired() -> None:
    cost = plot_cost(held_out([True] * 97 + [False] * 3), held_out([True] * 99 + [False]), seed=1)
    assert cost.delta_points == pytest.approx(-2.0)
    assert cost.delta_points_ci95[0] < -2.0 < cost.delta_points_ci95[1] <= 0.0
