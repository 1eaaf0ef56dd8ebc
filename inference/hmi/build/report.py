"""A version's report: what was measured on rows that neither PLOT nor the adapter has seen, as plain JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmi.build.metrics import (
    ClassMetrics,
    Indices,
    Probabilities,
    accuracy,
    bootstrap_accuracy,
    bootstrap_paired_difference,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    per_class,
)
from wire.ids import Digest
from wire.inference import Coverage
from wire.training import Recipe

REPORT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One validation during the training; ``loss`` is the mean since the point before."""

    step: int
    epoch: float
    loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Offline milliseconds per text, evaluated in batches of ``batch_rows`` on the machine that trained."""

    retrieve_ms: float
    compute_ms: float
    batch_rows: int


@dataclass(frozen=True, slots=True)
class PlotCost:
    """The same recipe on computed lower layers, on the same test rows."""

    computed_accuracy: float
    plot_accuracy: float
    delta_points: float  # plot - computed, in points of 100
    delta_points_ci95: tuple[float, float]  # paired bootstrap over the test rows


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of each split, and what was particular about them."""

    train: int
    validation: int
    test: int
    from_ancestors: int  # training rows that already stand in the general nodes' text
    truncated: int  # rows longer than max_tokens, of all splits: the rest of them was not read


@dataclass(frozen=True, slots=True)
class Report:
    """Shares are in 0..1 and unrounded, so that they can be compared with what is served."""

    format_version: int
    accuracy: float
    accuracy_ci95: tuple[float, float]
    macro_f1: float
    ece: float
    labels: tuple[str, ...]
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]  # [true][predicted], in the order of `labels`
    validation_accuracy: float
    curve: tuple[CurvePoint, ...]
    stopped_early: bool
    rows: RowCounts
    truncated_share: float
    coverage: Coverage  # of the test rows, weighted by tokens
    adapter_bytes: int  # the bundle: adapter, head and labels
    plot_bytes: int  # the domain node of the tree
    latency: Latency
    plot_cost: PlotCost | None
    recipe: Recipe
    backbone: Digest
    tree: Digest
    segment: Digest
    test_rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What evaluation on the test rows gave, in the order of the rows."""

    probabilities: Probabilities
    truth: Indices


@dataclass(frozen=True, slots=True)
class HeldOutFigures:
    """The figures that depend on the predictions alone."""

    accuracy: float
    accuracy_ci95: tuple[float, float]
    macro_f1: float
    ece: float
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]


def held_out_figures(held_out: HeldOut, *, labels: Sequence[str], seed: int) -> HeldOutFigures:
    """All figures of one evaluation."""
    confusion = confusion_matrix(held_out.probabilities, held_out.truth)
    classes = per_class(confusion, labels)
    interval = bootstrap_accuracy(_correct(held_out), seed=seed)
    return HeldOutFigures(
        accuracy=accuracy(held_out.probabilities, held_out.truth),
        accuracy_ci95=(interval.low, interval.high),
        macro_f1=macro_f1(classes),
        ece=expected_calibration_error(held_out.probabilities, held_out.truth),
        classes=classes,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def plot_cost(plot: HeldOut, computed: HeldOut, *, seed: int) -> PlotCost:
    """What looking up instead of computing costs, measured on the same rows."""
    interval = bootstrap_paired_difference(_correct(plot), _correct(computed), seed=seed)
    plot_accuracy = accuracy(plot.probabilities, plot.truth)
    computed_accuracy = accuracy(computed.probabilities, computed.truth)
    return PlotCost(
        computed_accuracy=computed_accuracy,
        plot_accuracy=plot_accuracy,
        delta_points=100 * (plot_accuracy - computed_accuracy),
        delta_points_ci95=(100 * interval.low, 100 * interval.high),
    )


def _correct(held_out: HeldOut) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(held_out.probabilities.argmax(axis=1) == held_out.truth, dtype=np.bool_)
