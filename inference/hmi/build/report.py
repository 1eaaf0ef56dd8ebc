"""A version's report: what was measured on rows that neither PLOT nor the adapter has seen, as plain JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hmi.build.floor_curve import FloorPoint
from hmi.build.kinds.labels_suspects import LabelsErrors
from hmi.build.kinds.learning import Figures, Headline
from hmi.build.kinds.score_suspects import ScoreErrors
from hmi.build.kinds.span_suspects import SpanErrors
from hmi.build.label_errors import LabelErrors
from hmi.build.learning_curve import LearningCurve
from hmi.build.metrics import (
    ClassMetrics,
    Indices,
    Probabilities,
    accuracy,
    bootstrap_accuracy,
    bootstrap_difference,
    bootstrap_macro_f1,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    per_class,
)
from hmi.build.private_leaf import LeafTrial
from hmi.build.rank_curve import RankPoint
from hmi.build.recipe_search import RecipeSearch
from hmi.build.slices import ErrorSlice, Slice, SliceKind, error_slices, slices
from wire.codec import to_plain
from wire.ids import Digest
from wire.inference import Coverage
from wire.tasks import TaskKind
from wire.training import Recipe, TimeLimit

REPORT_FORMAT = 1
"""Fields are only added; a reader takes one that an older report lacks for not measured."""
MAX_MISTAKES = 20


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
    """The same recipe on computed lower layers, on the same test rows.

    Accuracy is the rows' mean quality (TrainingKind.row_quality): of a score, less the mean absolute error.
    """

    computed_accuracy: float
    plot_accuracy: float
    delta_points: float  # plot - computed, in points of 100
    delta_points_ci95: tuple[float, float]  # paired bootstrap over the test rows
    only_plot_right: int  # rows that the other got wrong
    only_computed_right: int


@dataclass(frozen=True, slots=True)
class OfflineAnswers:
    """How the version answers the test rows, or an import's texts, without any PLOT, its lower layers
    computed by the served backbone, against how it serves."""

    rows: int
    same_label_share: float  # of several labels the surest; of spans rows with the same ones; of a score 1
    max_score_difference: float  # relative, of a score larger than 1
    mean_score_difference: float


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of each split, and what was particular about them."""

    train: int
    validation: int
    test: int
    from_ancestors: int  # training rows that already stand in the general nodes' text
    sharing_text: int  # test rows with a text of a training row, of pairs: their figures may be too good
    truncated: int  # rows longer than max_tokens, of all splits: the rest of them was not read


@dataclass(frozen=True, slots=True)
class Mistake:
    """A held-out row that was given a wrong label; its text is read from the dataset where it is shown."""

    row: int
    label: str
    predicted: str
    label_score: float
    predicted_score: float


@dataclass(frozen=True, slots=True)
class Report:
    """What the reports of all kinds have; beside it stand the fields of the kind's own figures."""

    format_version: int
    kind: TaskKind
    headline: Headline
    label_errors: LabelErrors | LabelsErrors | ScoreErrors | SpanErrors
    learning_curve: LearningCurve | None
    validation_accuracy: float  # of wire.tasks.validation_metric
    curve: tuple[CurvePoint, ...]
    stopped_early: bool
    stopped_at_cap: bool  # at ``stopped_at``: a longer training might be better
    stopped_at: TimeLimit | None  # None: it was not
    seconds: float  # of work, by all processes that had a part in it, up to this report
    rows: RowCounts
    truncated_share: float
    coverage: Coverage  # of the test rows, weighted by tokens
    adapter_bytes: int  # the bundle: adapter, head and labels
    plot_bytes: int  # the domain node of the tree
    private_share: float  # of the dataset's n-grams: no node that others look up in has counted them of it
    private_leaf: LeafTrial | None  # None: the recipe did not ask for one
    latency: Latency
    plot_cost: PlotCost | None
    floor_curve: tuple[FloorPoint, ...]
    rank_curve: tuple[RankPoint, ...]  # none of methods that are not cut
    offline: OfflineAnswers
    recipe: Recipe  # as it was trained: what a search has chosen
    search: RecipeSearch | None
    backbone: Digest
    tree: Digest
    segment: Digest
    test_rows: tuple[int, ...]
    left_out: dict[str, str]  # of the fields that say nothing, why: a sentence each


def report_body(report: Report, figures: Figures) -> dict[str, Any]:
    """The report as it is kept: the fields of both."""
    return {**to_plain(figures), **to_plain(report)}


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
    macro_f1_ci95: tuple[float, float]
    ece: float
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]


def held_out_figures(held_out: HeldOut, *, labels: Sequence[str], seed: int) -> HeldOutFigures:
    """All figures of one evaluation."""
    confusion = confusion_matrix(held_out.probabilities, held_out.truth)
    classes = per_class(confusion, labels)
    interval = bootstrap_accuracy(correct(held_out), seed=seed)
    f1_interval = bootstrap_macro_f1(confusion, seed=seed)
    return HeldOutFigures(
        accuracy=accuracy(held_out.probabilities, held_out.truth),
        accuracy_ci95=(interval.low, interval.high),
        macro_f1=macro_f1(classes),
        macro_f1_ci95=(f1_interval.low, f1_interval.high),
        ece=expected_calibration_error(held_out.probabilities, held_out.truth),
        classes=classes,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
    )


def plot_cost(plot: npt.NDArray[np.float64], computed: npt.NDArray[np.float64], *, seed: int) -> PlotCost:
    """What looking up instead of computing costs, from the quality of both ways' answers to the same rows."""
    difference = plot - computed
    interval = bootstrap_difference(plot, computed, seed=seed)
    return PlotCost(
        computed_accuracy=float(computed.mean()),
        plot_accuracy=float(plot.mean()),
        delta_points=100 * float(difference.mean()),
        delta_points_ci95=(100 * interval.low, 100 * interval.high),
        only_plot_right=int((difference > 0).sum()),
        only_computed_right=int((difference < 0).sum()),
    )


def majority_accuracy(train: Indices, test: Indices) -> float:
    """Accuracy of the label that most training rows have, on the test rows."""
    return float((test == np.bincount(train).argmax()).mean())


def worst_mistakes(held_out: HeldOut, *, rows: Sequence[int], labels: Sequence[str]) -> tuple[Mistake, ...]:
    """The wrong answers, the surest first."""
    scores = held_out.probabilities
    wrong = np.flatnonzero(~correct(held_out))
    order = wrong[np.argsort(-scores[wrong].max(axis=1), kind="stable")]
    return tuple(
        Mistake(
            row=rows[place],
            label=labels[held_out.truth[place]],
            predicted=labels[scores[place].argmax()],
            label_score=float(scores[place, held_out.truth[place]]),
            predicted_score=float(scores[place].max()),
        )
        for place in order[:MAX_MISTAKES].tolist()
    )


def held_out_slices(
    held_out: HeldOut, *, characters: Sequence[int], row_coverage: npt.NDArray[np.float64], seed: int
) -> tuple[Slice, ...]:
    """Accuracy by length and by coverage; as row_slices()."""
    return row_slices(correct(held_out), characters=characters, row_coverage=row_coverage, seed=seed)


def row_slices(
    hits: npt.NDArray[np.bool_],
    *,
    characters: Sequence[int],
    row_coverage: npt.NDArray[np.float64],
    seed: int,
) -> tuple[Slice, ...]:
    """Share of the rows for which ``hits`` [rows] holds, by length and by coverage; ``row_coverage``
    [rows, 4] is trigram, bigram, unigram, exact."""
    measures = _sliced_by(characters, row_coverage)
    return tuple(one for kind, measure in measures for one in slices(kind, measure, hits, seed=seed))


def row_error_slices(
    errors: npt.NDArray[np.float64],
    *,
    characters: Sequence[int],
    row_coverage: npt.NDArray[np.float64],
    seed: int,
) -> tuple[ErrorSlice, ...]:
    """As row_slices(), of absolute ``errors`` [rows]."""
    measures = _sliced_by(characters, row_coverage)
    return tuple(one for kind, measure in measures for one in error_slices(kind, measure, errors, seed=seed))


def _sliced_by(
    characters: Sequence[int], row_coverage: npt.NDArray[np.float64]
) -> tuple[tuple[SliceKind, Sequence[float]], ...]:
    known: list[float] = row_coverage[:, :2].sum(axis=1).tolist()
    return (SliceKind.LENGTH, characters), (SliceKind.COVERAGE, known)


def correct(held_out: HeldOut) -> npt.NDArray[np.bool_]:
    """Which rows were given their true label, [rows]."""
    return np.asarray(held_out.probabilities.argmax(axis=1) == held_out.truth, dtype=np.bool_)
