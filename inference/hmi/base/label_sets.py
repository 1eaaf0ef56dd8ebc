"""Sets of labels that hold the true one as often as promised (split conformal prediction), without numpy.

A version keeps, for each error level, a threshold from its validation rows: the smallest t such that enough
of them had 1 - score(true label) <= t. A text's set then has every label whose score is at least 1 - t. On
texts like the validation rows the true label is missing from the set in at most that share of cases; a level
below what the number of rows can promise gives every label.
"""

import math
from collections.abc import Sequence

NUM_LEVELS = 50
"""Thresholds are kept for the error levels 0.01, 0.02, ... 0.50."""
LEAST_LEVEL, MOST_LEVEL = 1 / 100, NUM_LEVELS / 100
_ROUNDING = 1e-6  # of scores in float32


def thresholds_of(true_scores: Sequence[float]) -> tuple[float, ...]:
    """For each level, from the scores that held-out rows gave their true labels."""
    misses = sorted(1.0 - score for score in true_scores)
    return tuple(_threshold(misses, level / 100) for level in range(1, NUM_LEVELS + 1))


def threshold_at(thresholds: Sequence[float], error_level: float) -> float:
    """Of the nearest level that promises at least as much; ``error_level`` is LEAST_LEVEL to MOST_LEVEL."""
    return thresholds[math.floor(100 * error_level + _ROUNDING) - 1]


def label_set(scores: Sequence[float], threshold: float) -> list[int]:
    """Places of the labels in the set, the highest score first; never empty, so that it can only err less."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    return [place for n, place in enumerate(order) if n == 0 or 1.0 - scores[place] <= threshold + _ROUNDING]


def _threshold(misses: Sequence[float], level: float) -> float:
    """The k-th smallest of n, k = (n + 1)(1 - level) rounded up: one more row is as likely to be anywhere."""
    place = math.ceil((len(misses) + 1) * (1 - level) - _ROUNDING)
    return misses[place - 1] if place <= len(misses) else 1.0
