"""How much more data would help: heads on frozen states, fitted on a quarter, half and all of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.frozen_probe import FrozenProbe, RowSums
from hmi.build.metrics import Indices, wilson_interval
from hmi.build.row_judge import MAX_ROWS, MAX_ROWS_TIMES_OUTPUTS

PARTS = (4, 2, 1)
"""The training rows are cut into so many parts; the accuracies of a cut's parts are averaged."""
MIN_ROWS = 40
"""Of a quarter there must be ten: fewer tell nothing."""
NUM_DRAWS = 1000
"""Of which the intervals are."""


@dataclass(frozen=True, slots=True)
class LearningPoint:
    """Of heads fitted on ``rows`` training rows, on the test rows."""

    rows: int
    accuracy: float  # wire.tasks.validation_metric
    accuracy_ci95: tuple[float, float]  # over other test rows, and other training rows as many as these


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Of a linear head on the frozen model, not of the adapter: what stands below is its slope, not its
    height."""

    points: tuple[LearningPoint, ...]
    forecast: LearningPoint | None  # at twice the rows; None where more rows have not helped so far


@dataclass(frozen=True, slots=True)
class _Cut:
    """What the heads of one size have answered."""

    rows: int
    sums: tuple[RowSums, ...]  # of each head, of the test rows


def learning_curve(probe: FrozenProbe, train: Indices, test: Indices, *, seed: int) -> LearningCurve | None:
    """``train`` and ``test`` are places of the probe's rows; None for fewer than MIN_ROWS training rows."""
    random = np.random.default_rng(seed)
    order = train[random.permutation(len(train))]
    order = order[: min(MAX_ROWS, probe.max_rows, MAX_ROWS_TIMES_OUTPUTS // probe.num_outputs)]
    if len(order) < MIN_ROWS:
        return None
    cuts = [
        _Cut(
            len(order) // num_parts,
            tuple(probe.row_sums(part, test) for part in np.array_split(order, num_parts)),
        )
        for num_parts in PARTS
    ]
    measured = [_mean_quality(probe, cut) for cut in cuts]
    drawn = np.array([_drawn(probe, cuts, len(test), random) for _ in range(NUM_DRAWS)])
    points = tuple(
        LearningPoint(cut.rows, accuracy, _point_interval(cut, accuracy, of_cut))
        for cut, accuracy, of_cut in zip(cuts, measured, drawn.T, strict=True)
    )
    return LearningCurve(points, _forecast(points, drawn))


def forecast(points: Sequence[tuple[int, float]], *, rows: int) -> float | None:
    """At ``rows`` rows, along the power law that fits the errors of (rows, accuracy) best; None where more
    rows have not helped."""
    errors = np.array([1 - accuracy for _, accuracy in points])
    if errors.min() <= 0:
        return None
    slope = float(np.polyfit(np.log([rows for rows, _ in points]), np.log(errors), deg=1)[0])
    if slope >= 0:
        return None
    # The law says how much is gained, the last point from where: never below what was measured.
    return float(1 - errors[-1] * (rows / points[-1][0]) ** slope)


def _forecast(points: Sequence[LearningPoint], drawn: npt.NDArray[np.float64]) -> LearningPoint | None:
    """``drawn``: [draws, points] accuracies that other rows might have given."""
    sizes = [point.rows for point in points]
    ahead = 2 * sizes[-1]
    expected = forecast([(point.rows, point.accuracy) for point in points], rows=ahead)
    if expected is None:
        return None
    of_draws = []
    for accuracies in drawn.tolist():
        found = forecast(list(zip(sizes, accuracies, strict=True)), rows=ahead)
        of_draws.append(accuracies[-1] if found is None else found)
    low, high = _interval(np.array(of_draws))
    return LearningPoint(ahead, expected, (min(low, expected), max(high, expected)))


def _mean_quality(probe: FrozenProbe, cut: _Cut) -> float:
    return float(np.mean([probe.quality(sums.sum(axis=0)) for sums in cut.sums]))


def _drawn(
    probe: FrozenProbe, cuts: Sequence[_Cut], num_test: int, random: np.random.Generator
) -> list[float]:
    """The points as other test rows, and other training rows of the same number, might have given them."""
    weights = np.bincount(random.integers(0, num_test, num_test), minlength=num_test).astype(np.float64)
    found: list[float] = []
    of_one = 0.0
    for cut in cuts:
        qualities = np.array([probe.quality(weights @ sums) for sums in cut.sums])
        if (
            not found
        ):  # the most parts tell best how far heads of other rows lie apart, the less the more rows
            of_one = float(qualities.std(ddof=1)) * cut.rows**0.5
        spread = of_one / cut.rows**0.5 / len(qualities) ** 0.5
        found.append(max(probe.least_quality, float(qualities.mean() + spread * random.normal())))
    return found


def _point_interval(cut: _Cut, accuracy: float, drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Where all rows are right, drawn again they say nothing else: then Wilson's, of the rows that count."""
    if accuracy < 1:
        return _interval(drawn)
    num_rows = int((cut.sums[0][:, 1:] > 0).any(axis=1).sum())
    of_share = wilson_interval(1.0, max(num_rows, 1))
    return of_share.low, of_share.high


def _interval(drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), min(1.0, float(high))
