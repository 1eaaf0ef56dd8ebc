"""Figures of what is answered to held-out rows; numpy alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ECE_BINS = 15
ROUNDING = 1e-9
"""Shares whose difference is less are the same."""

Probabilities = npt.NDArray[np.float32]  # [rows, labels], each row sums to 1
Indices = npt.NDArray[np.int64]  # [rows], place of the true label
Marks = npt.NDArray[np.bool_]  # [rows, labels]: does the row have the label?


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """One label's figures; precision, recall and f1 are 0 where they are not defined."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int  # held-out rows that have this label


def accuracy(probabilities: Probabilities, truth: Indices) -> float:
    """Share of rows whose most probable label is the true one."""
    return float((probabilities.argmax(axis=1) == truth).mean())


def confusion_matrix(probabilities: Probabilities, truth: Indices) -> npt.NDArray[np.int64]:
    """[true label, predicted label] counts."""
    num_labels = probabilities.shape[1]
    cells = truth * num_labels + probabilities.argmax(axis=1)
    return (
        np.bincount(cells, minlength=num_labels * num_labels).reshape(num_labels, num_labels).astype(np.int64)
    )


def per_class(confusion: npt.NDArray[np.int64], labels: Sequence[str]) -> tuple[ClassMetrics, ...]:
    """Precision, recall, F1 and support of each label, from its confusion matrix."""
    hits = np.diag(confusion).astype(np.float64)
    precision = _ratio(hits, confusion.sum(axis=0))
    recall = _ratio(hits, confusion.sum(axis=1))
    f1 = _ratio(2 * precision * recall, precision + recall)
    support = confusion.sum(axis=1)
    return tuple(
        ClassMetrics(label, float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
        for i, label in enumerate(labels)
    )


def macro_f1(classes: Sequence[ClassMetrics]) -> float:
    """Mean F1 over the labels that occur among the held-out rows."""
    return float(np.mean([entry.f1 for entry in classes if entry.support > 0]))


def expected_calibration_error(probabilities: Probabilities, truth: Indices) -> float:
    """Mean distance of confidence and accuracy over 15 equal bins of confidence, weighted by their rows."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == truth
    gap = np.bincount(confidence_bins(probabilities), weights=confidence - correct, minlength=ECE_BINS)
    return float(np.abs(gap).sum() / len(truth))


def confidence_bins(probabilities: Probabilities) -> Indices:
    """Bin 0..14 of each row, by the score of its most probable label."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    bins: Indices = np.minimum((confidence * ECE_BINS).astype(np.int64), ECE_BINS - 1)
    return bins


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


def wilson_interval(share: float, num_rows: int) -> Interval:
    """95% interval of the share that so many rows are a sample of; honest also near 0 and 1."""
    z = 1.96
    spread = z / num_rows * math.sqrt(num_rows * share * (1 - share) + z * z / 4)
    middle, scale = share + z * z / (2 * num_rows), 1 + z * z / num_rows
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return Interval(max(0.0, min(low, share)), min(1.0, max(high, share)))  # which rounding may leave out


def bootstrap_accuracy(correct: npt.NDArray[np.bool_], *, seed: int, num_resamples: int = 2000) -> Interval:
    """95% bootstrap interval of the accuracy over rows drawn with replacement; of rows that are all right, or
    all wrong, Wilson's: drawn again they say nothing else."""
    if correct.all() or not correct.any():
        return wilson_interval(float(correct.mean()), len(correct))
    # Resampling n rows and counting the correct ones is one binomial draw.
    draws = np.random.default_rng(seed).binomial(len(correct), correct.mean(), size=num_resamples) / len(
        correct
    )
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(low), float(high))


def bootstrap_macro_f1(confusion: npt.NDArray[np.int64], *, seed: int, num_resamples: int = 1000) -> Interval:
    """95% bootstrap interval of macro_f1 over rows drawn with replacement; where it is 1 or 0, as
    bootstrap_accuracy()."""
    num_rows, num_right = int(confusion.sum()), int(np.trace(confusion))
    if num_right in (0, num_rows):
        return wilson_interval(num_right / num_rows, num_rows)
    num_labels = len(confusion)
    truth, predicted = np.nonzero(confusion)
    counts = confusion[truth, predicted]
    # Resampling rows is one multinomial draw over the cells that have any.
    random = np.random.default_rng(seed)
    draws = random.multinomial(counts.sum(), counts / counts.sum(), size=num_resamples).astype(np.float64)
    scores = np.empty(num_resamples)
    for number, drawn in enumerate(draws):
        support = _sums(truth, drawn, num_labels)
        given = _sums(predicted, drawn, num_labels)
        hits = _sums(truth, drawn * (truth == predicted), num_labels)
        scores[number] = _ratio(2 * hits, support + given)[support > 0].mean()
    low, high = np.quantile(scores, [0.025, 0.975])
    return Interval(float(low), float(high))


def bootstrap_paired_difference(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], *, seed: int, num_resamples: int = 2000
) -> Interval:
    """95% bootstrap interval of accuracy(first) - accuracy(second), both measured on the same rows."""
    difference = first.astype(np.int64) - second.astype(np.int64)
    shares = [(difference == 1).mean(), (difference == -1).mean(), (difference == 0).mean()]
    draws = np.random.default_rng(seed).multinomial(len(difference), shares, size=num_resamples)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / len(difference), [0.025, 0.975])
    return Interval(float(low), float(high))


def bootstrap_rows(
    metric: Callable[[Indices], float], num_rows: int, *, seed: int, num_resamples: int = 500
) -> Interval:
    """95% bootstrap interval of any figure of rows; ``metric`` is given the places of those drawn."""
    random = np.random.default_rng(seed)
    draws = [metric(random.integers(0, num_rows, num_rows)) for _ in range(num_resamples)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(float(low), float(high))


def bootstrap_mean(quality: npt.NDArray[np.float64], *, seed: int) -> Interval:
    """95% bootstrap interval of the mean of ``quality`` [rows], which is 1 at best; of rows that are all at
    their best, as bootstrap_accuracy()."""
    if (quality == 1).all():
        return wilson_interval(1.0, len(quality))
    return bootstrap_rows(lambda rows: float(quality[rows].mean()), len(quality), seed=seed)


def bootstrap_difference(
    quality: npt.NDArray[np.float64], other: npt.NDArray[np.float64], *, seed: int
) -> Interval:
    """95% bootstrap interval of the mean of ``quality`` less ``other`` [rows], of two ways to answer the same
    rows. Where it is the same of each, as where all are right either way, or wrong, drawn again they say
    nothing else: then as many more of others like them may be lost, or won, as Wilson's interval of none of
    them allows."""
    difference = quality - other
    are_shares = min(quality.min(), other.min()) >= 0  # an error, with its minus, is below 0
    if are_shares and np.ptp(difference) < ROUNDING:
        most = wilson_interval(0.0, len(difference)).high
        same = float(difference[0])
        return Interval(max(-1.0, same - most), min(1.0, same + most))
    return bootstrap_rows(lambda rows: float(difference[rows].mean()), len(difference), seed=seed)


def bootstrap_share(
    metric: Callable[[Indices], float], counts: npt.NDArray[np.bool_], *, seed: int
) -> Interval:
    """As bootstrap_rows(), of a figure in 0..1 of which only the rows that ``counts`` [rows] can say anything
    good or bad; where it is 1 or 0, Wilson's of so many rows, as bootstrap_accuracy()."""
    share = metric(np.arange(len(counts)))
    if share in (0, 1):
        return wilson_interval(share, max(int(counts.sum()), 1))
    return bootstrap_rows(metric, len(counts), seed=seed)


def _sums(
    places: npt.NDArray[np.int64], weights: npt.NDArray[np.float64], num_places: int
) -> npt.NDArray[np.float64]:
    return np.bincount(places, weights=weights, minlength=num_places).astype(np.float64)


def _ratio(
    numerator: npt.NDArray[np.float64], denominator: npt.NDArray[np.float64] | npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def r2(predicted: npt.NDArray[np.floating], truth: npt.NDArray[np.float64]) -> float:
    """1 less the squared error over that of the mean; where the truth does not vary, 0 unless it is met."""
    error = float(np.square(predicted - truth).sum())
    variance = float(np.square(truth - truth.mean()).sum())
    if variance == 0:
        return 1.0 if error == 0 else 0.0
    return 1 - error / variance


def best_threshold(scores: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_]) -> float:
    """The score from which on saying yes has the best F1, half way to the next lower one.

    0.5 where nothing is true.
    """
    if not truth.any():
        return 0.5
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order].astype(np.float64)
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + hits[-1])
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # equal scores are on one side
    last = int(f1.argmax())
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)


def micro_f1(said: Marks, truth: Marks) -> float:
    """F1 of all labels of all rows; 1 where there are none and none is said."""
    return f1_of(int((said & truth).sum()), int(said.sum()), int(truth.sum()))


def f1_of(hits: float, given: float, support: float) -> float:
    """1 where there are none and none is said."""
    return 2 * hits / (given + support) if given + support else 1.0
