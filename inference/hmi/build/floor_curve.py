"""What a task's coverage floor would bring: accuracy and time against the share of texts computed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.evaluation import Predictions
from hmi.build.metrics import bootstrap_rows

SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Of the test rows, that are to be computed; a floor never parts rows of equal coverage."""

Quality = npt.NDArray[np.float64]  # [rows]


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """The version with this coverage floor, on the test rows.

    Accuracy is the rows' mean quality, as of PlotCost. Time is offline, as of Latency.
    """

    floor: float  # rows of which trigrams and bigrams answer a smaller share have their lower layers computed
    computed_share: float  # of the rows
    accuracy: float
    accuracy_ci95: tuple[float, float]
    gain_points: float  # over looking all rows up, in points of 100
    gain_points_ci95: tuple[float, float]  # paired bootstrap over the test rows
    text_ms: float


def floor_curve(
    plot: Predictions, exact: Predictions, plot_quality: Quality, exact_quality: Quality, *, seed: int
) -> tuple[FloorPoint, ...]:
    """From looking all rows up to computing as many as a floor can; both ways have one adapter and head."""
    known = plot.row_coverage[:, :2].sum(axis=1)
    plot_ms, exact_ms = (1000 * (way.retrieve_s + way.compute_s) / len(known) for way in (plot, exact))

    def point(floor: float) -> FloorPoint:
        is_computed = known < floor
        share = float(is_computed.mean())
        quality = np.where(is_computed, exact_quality, plot_quality)
        gain = quality - plot_quality
        interval = bootstrap_rows(lambda rows: float(quality[rows].mean()), len(known), seed=seed)
        gain_interval = bootstrap_rows(lambda rows: float(gain[rows].mean()), len(known), seed=seed)
        return FloorPoint(
            floor=floor,
            computed_share=share,
            accuracy=float(quality.mean()),
            accuracy_ci95=(interval.low, interval.high),
            gain_points=100 * float(gain.mean()),
            gain_points_ci95=(100 * gain_interval.low, 100 * gain_interval.high),
            text_ms=share * exact_ms + (1 - share) * plot_ms,
        )

    return tuple(point(floor) for floor in floors_of(known))


def floors_of(known: Sequence[float] | npt.NDArray[np.float64]) -> list[float]:
    """Floors, rising, under which about SHARES of the rows lie; ``known`` [rows] is what trigrams and bigrams
    answer of each. No two compute the same rows."""
    ordered = np.sort(np.asarray(known, np.float64))
    floors = [0.0]
    for share in SHARES[1:]:
        place = round(share * len(ordered))
        floor = 1.0 if place >= len(ordered) else float(ordered[place])
        if np.searchsorted(ordered, floor) > np.searchsorted(ordered, floors[-1]):
            floors.append(floor)
    return floors
