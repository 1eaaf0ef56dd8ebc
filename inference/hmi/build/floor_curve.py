"""What a task's coverage floor would bring: accuracy and time against the share of texts computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from hmi.build.evaluation import Predictions
from hmi.build.metrics import Interval, bootstrap_difference, bootstrap_mean

SHARES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)
"""Of the test rows, that are to be computed; a floor never parts rows of equal coverage."""

CONFIDENCE = 0.95

Quality = npt.NDArray[np.float64]  # [rows]


@dataclass(frozen=True, slots=True)
class FloorPoint:
    """The version with this coverage floor, on the test rows.

    Accuracy is the rows' mean quality, as of PlotCost. Time is offline, as of Latency.
    """

    floor: float  # rows of which trigrams and bigrams answer a smaller share have their lower layers computed
    computed_share: float  # of the rows
    max_computed_share: float  # of all texts like these, at most so many, with 95% confidence
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
        interval = bootstrap_mean(quality, seed=seed)
        # Without a floor it is the very same answers.
        gain = bootstrap_difference(quality, plot_quality, seed=seed) if floor else Interval(0.0, 0.0)
        return FloorPoint(
            floor=floor,
            computed_share=share,
            max_computed_share=share_bound(np.ones(len(known), np.int64), is_computed) if floor else 0.0,
            accuracy=float(quality.mean()),
            accuracy_ci95=(interval.low, interval.high),
            gain_points=100 * float((quality - plot_quality).mean()),
            gain_points_ci95=(100 * gain.low, 100 * gain.high),
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


def floor_within(
    known: Quality,
    num_tokens: npt.NDArray[np.int64],
    max_share: float,
    *,
    num_texts: int | None = None,
    confidence: float = CONFIDENCE,
) -> float:
    """The highest floor under which, with ``confidence``, at most ``max_share`` of the tokens of
    ``num_texts`` texts like these lie (None: of all); 0, which computes none, where no floor is so sure.

    ``known`` [rows] is what trigrams and bigrams answer of each, ``num_tokens`` [rows] its length. The texts
    chosen on are few, so the floor that leaves just ``max_share`` of theirs leaves more of others' half of
    the time: the upper bound of the share is what must not pass it (share_bound).
    """
    order = np.argsort(known, kind="stable")
    known, num_tokens = known[order], num_tokens[order]
    best = 0.0
    for place in np.unique(np.searchsorted(known, known)):  # the rows before the first of equal coverage
        # Rising: what is sure of a floor is sure of every lower one.
        is_computed = np.arange(len(known)) < place
        if share_bound(num_tokens, is_computed, num_texts=num_texts, confidence=confidence) > max_share:
            break
        best = float(known[place])
    return best


def share_bound(
    num_tokens: npt.NDArray[np.int64],
    is_computed: npt.NDArray[np.bool_],
    *,
    num_texts: int | None = None,
    confidence: float = CONFIDENCE,
) -> float:
    """Under which, with ``confidence``, the share of tokens lies that is computed of ``num_texts`` texts like
    these (None: of all).

    Wilson's bound, with as many texts as would vary as much were they of equal length: of long and short
    ones, or where it is the long ones that are computed, so many are worth fewer. A sample varies about the
    share of all texts as these do, so the fewer it has, the more it may have of those that are computed.
    """
    weights = num_tokens / num_tokens.sum()
    share = float(weights[is_computed].sum())
    rows = 1 / float((weights**2).sum())
    variance = float((weights**2 * (is_computed - share) ** 2).sum())
    if variance > 0:
        rows = min(rows, share * (1 - share) / variance)
    if num_texts is not None:
        rows /= 1 + len(num_tokens) / num_texts  # the variances of the two add up
    z = NormalDist().inv_cdf(confidence)
    square = z**2 / rows
    spread = z * np.sqrt(share * (1 - share) / rows + square / (4 * rows))
    return float((share + square / 2 + spread) / (1 + square))
