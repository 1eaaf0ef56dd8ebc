"""How much more data would help: heads on frozen states, fitted on a quarter, half and all of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmi.build.linear_head import Features
from hmi.build.row_judge import MAX_ROWS, MAX_ROWS_TIMES_OUTPUTS, RowJudge, RowTargets

PARTS = (4, 2, 1)
"""The training rows are cut into so many parts; the accuracies of a cut's parts are averaged."""
MIN_ROWS = 40
"""Of a quarter there must be ten: fewer tell nothing."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Of heads fitted on ``rows`` training rows, on the test rows."""

    rows: int
    accuracy: float  # wire.tasks.validation_metric


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Of a linear head on the frozen model, not of the adapter: what stands below is its slope, not its
    height."""

    points: tuple[LearningPoint, ...]
    forecast: LearningPoint | None  # at twice the rows; None where more rows have not helped so far


@dataclass(frozen=True, slots=True)
class LabelledFeatures:
    """Pooled final states of the frozen model, with labels."""

    features: Features  # [rows, hidden]
    truth: RowTargets  # [rows, ...]


def learning_curve(
    train: LabelledFeatures, test: LabelledFeatures, judge: RowJudge, *, seed: int
) -> LearningCurve | None:
    """None for fewer than MIN_ROWS training rows."""
    order = np.random.default_rng(seed).permutation(len(train.truth))
    order = order[: min(MAX_ROWS, MAX_ROWS_TIMES_OUTPUTS // judge.num_outputs)]
    if len(order) < MIN_ROWS:
        return None
    points = []
    for num_parts in PARTS:
        accuracies = []
        for part in np.array_split(order, num_parts):
            head = judge.fit(train.features[part], train.truth[part])
            accuracies.append(judge.quality(head.outputs(test.features), test.truth))
        points.append(LearningPoint(len(order) // num_parts, float(np.mean(accuracies))))
    return LearningCurve(tuple(points), forecast(points, rows=2 * points[-1].rows))


def forecast(points: Sequence[LearningPoint], *, rows: int) -> LearningPoint | None:
    """At ``rows`` rows, along the power law that fits the errors best; None where more rows have not
    helped."""
    errors = np.array([1 - point.accuracy for point in points])
    if errors.min() <= 0:
        return None
    slope = float(np.polyfit(np.log([point.rows for point in points]), np.log(errors), deg=1)[0])
    if slope >= 0:
        return None
    # The law says how much is gained, the last point from where: never below what was measured.
    return LearningPoint(rows, float(1 - errors[-1] * (rows / points[-1].rows) ** slope))
