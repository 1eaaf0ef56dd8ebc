"""How a version's label sets do on rows that it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmi.base.label_sets import label_set, threshold_at
from hmi.build.metrics import Indices, Probabilities

SHOWN_LEVELS = (0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class LabelSetFigures:
    """Of all held-out rows at one error level."""

    error_level: float  # promised: at most this share of the sets lacks the true label
    coverage: float  # measured: share of the sets that have it
    mean_labels: float  # in a set
    answered_share: float  # of the rows whose set has one label: the others would be abstained from
    answered_accuracy: float | None  # of those; None where there are none


def label_set_figures(
    probabilities: Probabilities, truth: Indices, thresholds: Sequence[float]
) -> tuple[LabelSetFigures, ...]:
    """At each of SHOWN_LEVELS; none of a version that keeps no thresholds."""
    if not thresholds:
        return ()
    return tuple(_figures(probabilities, truth, thresholds, level) for level in SHOWN_LEVELS)


def _figures(
    probabilities: Probabilities, truth: Indices, thresholds: Sequence[float], level: float
) -> LabelSetFigures:
    threshold = threshold_at(thresholds, level)
    sets = [label_set(scores, threshold) for scores in probabilities.tolist()]
    sizes = np.array([len(places) for places in sets])
    covered = np.array([true in places for places, true in zip(sets, truth.tolist(), strict=True)])
    single = sizes == 1
    return LabelSetFigures(
        error_level=level,
        coverage=float(covered.mean()),
        mean_labels=float(sizes.mean()),
        answered_share=float(single.mean()),
        answered_accuracy=float(covered[single].mean()) if single.any() else None,
    )
