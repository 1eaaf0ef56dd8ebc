"""Figures against scikit-learn's and against cases worked out by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_confusion
from sklearn.metrics import precision_recall_fscore_support

from hmi.build import metrics

LABELS = ("a", "b", "c")


@pytest.fixture
def predictions() -> tuple[metrics.Probabilities, metrics.Indices]:
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, 400)
    logits = random.normal(size=(400, 3)) + 1.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities.astype(np.float32), truth


def test_per_class_figures_are_scikit_learns(
    predictions: tuple[metrics.Probabilities, metrics.Indices],
) -> None:
    probabilities, truth = predictions
    confusion = metrics.confusion_matrix(probabilities, truth)
    np.testing.assert_array_equal(confusion, sklearn_confusion(truth, probabilities.argmax(axis=1)))
    classes = metrics.per_class(confusion, LABELS)
    precision, recall, f1, support = precision_recall_fscore_support(truth, probabilities.argmax(axis=1))
    for i, entry in enumerate(classes):
        assert entry.label == LABELS[i]
        assert (entry.precision, entry.recall, entry.f1) == pytest.approx((precision[i], recall[i], f1[i]))
        assert entry.support == support[i]
    assert metrics.macro_f1(classes) == pytest.approx(f1.mean())
    assert metrics.accuracy(probabilities, truth) == pytest.approx(np.trace(confusion) / 400)


def test_a_label_that_is_never_predicted_has_no_precision_and_does_not_divide_by_zero() -> None:
    probabilities = np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]], np.float32)
    classes = metrics.per_class(metrics.confusion_matrix(probabilities, np.array([0, 1])), LABELS)
    assert (classes[1].precision, classes[1].recall, classes[1].f1) == (0.0, 0.0, 0.0)
    assert classes[2].support == 0
    assert metrics.macro_f1(classes) == pytest.approx((2 / 3 + 0) / 2)  # label c does not occur


def test_calibration_error_is_zero_for_honest_scores_and_the_gap_for_boasting_ones() -> None:
    truth = np.array([0] * 8 + [1] * 2)
    honest = np.tile(np.array([[0.8, 0.2]], np.float32), (10, 1))
    boasting = np.tile(np.array([[1.0, 0.0]], np.float32), (10, 1))
    assert metrics.expected_calibration_error(honest, truth) == pytest.approx(0.0, abs=1e-6)
    assert metrics.expected_calibration_error(boasting, truth) == pytest.approx(0.2, abs=1e-6)


def test_the_bootstrap_interval_is_that_of_a_share() -> None:
    correct = np.arange(1000) < 900
    interval = metrics.bootstrap_accuracy(correct, seed=1)
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert interval.low == pytest.approx(0.9 - half, abs=0.003)
    assert interval.high == pytest.approx(0.9 + half, abs=0.003)
    assert metrics.bootstrap_accuracy(correct, seed=1) == interval


@pytest.mark.parametrize("num_rows", [1, 2, 3, 40])
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_rows_that_are_all_right_or_all_wrong_are_no_proof_of_a_share_of_all(
    num_rows: int, share: float
) -> None:
    """Drawing the same answer again and again would give an interval without width."""
    correct = np.full(num_rows, share == 1)
    hits = np.diag([num_rows, 0]) if share else np.array([[0, num_rows], [0, 0]])
    for interval in (metrics.bootstrap_accuracy(correct, seed=1), metrics.bootstrap_macro_f1(hits, seed=1)):
        assert interval == metrics.wilson_interval(share, num_rows)
        assert interval.high - interval.low > 3 / (num_rows + 4)


def test_the_interval_of_any_figure_is_that_of_resampled_rows() -> None:
    correct = np.arange(1000) < 900
    interval = metrics.bootstrap_rows(lambda rows: float(correct[rows].mean()), 1000, seed=1)
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert interval.low == pytest.approx(0.9 - half, abs=0.005)
    assert interval.high == pytest.approx(0.9 + half, abs=0.005)


def test_the_paired_interval_is_zero_where_both_are_right_on_the_same_rows() -> None:
    correct = np.arange(1000) < 900
    assert metrics.bootstrap_paired_difference(correct, correct, seed=1) == metrics.Interval(0.0, 0.0)
    worse = np.arange(1000) < 800
    interval = metrics.bootstrap_paired_difference(worse, correct, seed=1)
    assert interval.low < -0.1 < interval.high < 0.0


def test_the_interval_of_macro_f1_is_that_of_resampled_rows() -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 3, 300)
    said = np.where(random.random(300) < 0.8, truth, random.integers(0, 3, 300))
    confusion = sklearn_confusion(truth, said).astype(np.int64)
    interval = metrics.bootstrap_macro_f1(confusion, seed=1)
    drawn = []
    for _ in range(300):
        rows = random.integers(0, 300, 300)
        drawn.append(precision_recall_fscore_support(truth[rows], said[rows], average="macro")[2])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert interval.low == pytest.approx(low, abs=0.015)
    assert interval.high == pytest.approx(high, abs=0.015)
