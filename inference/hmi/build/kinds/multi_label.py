"""Training and report of tasks with any number of labels a text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow, rarest_labels
from hmi.build.frozen_probe import PooledProbe
from hmi.build.kinds.class_weights import positive_weights
from hmi.build.kinds.labels_suspects import LabelsJudge
from hmi.build.kinds.learning import (
    TEACHER_TEMPERATURE,
    Evaluated,
    FittedHead,
    Headline,
    Outputs,
    Targets,
)
from hmi.build.linear_head import Features
from hmi.build.metrics import (
    Indices,
    Marks,
    best_threshold,
    bootstrap_accuracy,
    bootstrap_share,
    expected_calibration_error,
    f1_of,
    micro_f1,
)
from hmi.build.report import row_slices
from hmi.build.score_calibration import LabelsCalibration, as_one_label, fit_label_maps, labels_calibration
from hmi.build.slices import Slice
from hmi.kinds.multi_label import sigmoid
from hmi.kinds.token_classification import ScoreMap
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts
from wire.errors import ErrorCode

MIN_LABELS = 2
MIN_POSITIVES = 10
"""Validation rows that a label needs for a threshold of its own; others share the best common one."""
MAX_MISTAKES = 20


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """One label's figures at its threshold; precision, recall and f1 are 0 where they are not defined."""

    label: str
    threshold: float
    precision: float
    recall: float
    f1: float
    support: int  # test rows that have it
    predicted: int  # test rows that were given it
    ece_before: float | None  # of its scores, before the map that was fitted; None: there is no such map
    ece: float


@dataclass(frozen=True, slots=True)
class LabelsMistake:
    """A test row with a label too many or too few."""

    row: int
    labels: tuple[str, ...]
    predicted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MultiLabelFigures:
    """On the test rows, with 95% bootstrap intervals; thresholds were fitted on the validation rows."""

    micro_f1: float  # of all labels of all rows together
    micro_f1_ci95: tuple[float, float]
    macro_f1: float  # mean over the labels that test rows have
    macro_f1_ci95: tuple[float, float]
    exact_match: float  # share of rows with exactly their labels
    exact_match_ci95: tuple[float, float]
    labels: tuple[str, ...]
    classes: tuple[LabelFigures, ...]
    mean_labels: float  # of a row
    mean_predicted: float
    mistakes: tuple[LabelsMistake, ...]  # those with most wrong labels first
    slices: tuple[Slice, ...]  # by exact match
    calibration: LabelsCalibration | None  # None: no maps were fitted, or none are known

    @property
    def headline(self) -> Headline:
        return Headline("micro_f1", self.micro_f1, self.micro_f1_ci95)


class MultiLabelTraining:
    """See TrainingKind."""

    has_one_label = False
    left_out: Mapping[str, str] = {
        "label_sets": "A text has any number of labels: each label's own score says how sure it is."
    }

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._places = {label: place for place, label in enumerate(labels)}

    def problem(self, row: LabelledRow) -> str | None:
        if row.labels is None:
            return "it has no list of labels"
        if any(label not in self._places for label in row.labels):
            return "one of its labels is not one of the job's labels"
        return None

    def strata(self, rows: Sequence[LabelledRow]) -> list[str]:
        return rarest_labels(rows)

    def refuse_hopeless(self, train: Sequence[LabelledRow]) -> None:
        if len(self._labels) < MIN_LABELS:
            raise HmiError(
                ErrorCode.DATASET_ONE_LABEL,
                f"all rows together have {len(self._labels)} label; give texts of at least {MIN_LABELS} "
                "different ones",
            )
        if not any(row.labels for row in train):
            raise HmiError(
                ErrorCode.DATASET_ONE_LABEL, "no training row has a label; give texts that have some"
            )

    def targets(self, rows: Sequence[LabelledRow], encoded: EncodedTexts) -> Targets:
        marks = np.zeros((len(rows), len(self._labels)), np.float32)
        for place, row in enumerate(rows):
            marks[place, [self._places[label] for label in row.labels or ()]] = 1
        return marks

    def judge(self) -> LabelsJudge:
        return LabelsJudge(self._labels)

    def probe(self, features: Features, offsets: npt.NDArray[np.int64], targets: Targets) -> PooledProbe:
        return PooledProbe(self.judge(), features, targets)

    def learning(self, train: Targets, *, weighs_classes: bool | None = None) -> "MultiLabelLearning":
        return MultiLabelLearning(len(self._labels), train, weighs_classes=weighs_classes is not False)

    def figures(self, evaluated: Evaluated) -> MultiLabelFigures:
        said, truth = _said(evaluated.outputs, evaluated.fitted), evaluated.targets > 0
        sums = np.stack([(said & truth).sum(1), said.sum(1), truth.sum(1)], axis=1)
        has_any, seed = sums[:, 1:].sum(axis=1) > 0, evaluated.seed

        def f1_interval(metric: Callable[[Indices], float]) -> tuple[float, float]:
            found = bootstrap_share(metric, has_any, seed=seed)
            return found.low, found.high

        is_exact = (said == truth).all(axis=1)
        exact_interval = bootstrap_accuracy(is_exact, seed=seed)
        hits, given, support = (said & truth).sum(0), said.sum(0), truth.sum(0)
        scores, before = sigmoid(evaluated.outputs), _scores_before(evaluated.outputs, evaluated.fitted)
        return MultiLabelFigures(
            micro_f1=micro_f1(said, truth),
            micro_f1_ci95=f1_interval(lambda rows: f1_of(*sums[rows].sum(0).tolist())),
            macro_f1=macro_f1(said, truth),
            macro_f1_ci95=f1_interval(lambda rows: macro_f1(said[rows], truth[rows])),
            exact_match=float(is_exact.mean()),
            exact_match_ci95=(exact_interval.low, exact_interval.high),
            labels=self._labels,
            classes=tuple(
                LabelFigures(
                    label,
                    threshold=evaluated.fitted.thresholds[place],
                    precision=float(hits[place] / max(given[place], 1)),
                    recall=float(hits[place] / max(support[place], 1)),
                    f1=float(2 * hits[place] / max(given[place] + support[place], 1)),
                    support=int(support[place]),
                    predicted=int(given[place]),
                    ece_before=None if before is None else _ece(before[:, place], truth[:, place]),
                    ece=_ece(scores[:, place], truth[:, place]),
                )
                for place, label in enumerate(self._labels)
            ),
            mean_labels=float(truth.sum(1).mean()),
            mean_predicted=float(said.sum(1).mean()),
            mistakes=self._mistakes(evaluated.rows, said, truth),
            slices=row_slices(
                is_exact,
                characters=[len(row.whole_text) for row in evaluated.rows],
                row_coverage=evaluated.row_coverage,
                seed=seed,
            ),
            calibration=None if before is None else labels_calibration(before, scores, truth),
        )

    def metric(self, evaluated: Evaluated) -> float:
        return micro_f1(_said(evaluated.outputs, evaluated.fitted), evaluated.targets > 0)

    def row_quality(self, outputs: Outputs, targets: Targets, fitted: FittedHead) -> npt.NDArray[np.float64]:
        """F1 of each row's labels; 1 where there are none and none is said."""
        said, truth = _said(outputs, fitted), targets > 0
        together = said.sum(1) + truth.sum(1)
        hits = 2.0 * (said & truth).sum(1)
        quality = np.ones(len(hits))
        np.divide(hits, together, out=quality, where=together > 0)
        return quality

    def _mistakes(self, rows: Sequence[LabelledRow], said: Marks, truth: Marks) -> tuple[LabelsMistake, ...]:
        wrong = (said != truth).sum(1)
        order = [place for place in np.argsort(-wrong, kind="stable").tolist() if wrong[place]]
        return tuple(
            LabelsMistake(rows[place].row, self._named(truth[place]), self._named(said[place]))
            for place in order[:MAX_MISTAKES]
        )

    def _named(self, marks: Marks) -> tuple[str, ...]:
        return tuple(label for label, has in zip(self._labels, marks.tolist(), strict=True) if has)


class MultiLabelLearning:
    """See Learning."""

    def __init__(self, num_labels: int, train: Targets, *, weighs_classes: bool) -> None:
        self.num_outputs = num_labels
        weights = positive_weights(train) if weighs_classes else None
        # What is served has the weights undone: weighted scores are too high.
        self._weights = torch.ones(num_labels) if weights is None else weights

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(
            outputs, targets, pos_weight=self._weights, reduction="sum"
        )

    def taught_loss(self, outputs: Tensor, taught: Tensor) -> Tensor:
        """Each label's for itself, and their mean, as of the labels' own loss."""
        said, wanted = outputs / TEACHER_TEMPERATURE, taught / TEACHER_TEMPERATURE
        scores = wanted.sigmoid()
        entropy = functional.binary_cross_entropy_with_logits(wanted, scores)
        return TEACHER_TEMPERATURE**2 * (functional.binary_cross_entropy_with_logits(said, scores) - entropy)

    def weight(self, targets: Tensor) -> float:
        return float(targets.numel())

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> float:
        plain = outputs - self._weights.log()
        return float(functional.binary_cross_entropy_with_logits(plain, targets))

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        """Micro F1 at the one threshold that is best here: at a fixed one, rare labels would show no gain for
        long."""
        scores, truth = sigmoid(self._unweighted(outputs)), targets > 0
        return micro_f1(scores >= best_threshold(scores.ravel(), truth.ravel()), truth)

    def finish(self, head: HostHead, outputs: Outputs, targets: Targets) -> FittedHead:
        truth, plain = targets > 0, self._unweighted(outputs)
        maps = fit_label_maps(sigmoid(plain).astype(np.float64), truth)
        slopes, offsets = _columns(maps)
        scores = sigmoid((plain * slopes + offsets).astype(np.float32))
        common = best_threshold(scores.ravel(), truth.ravel())
        thresholds = tuple(
            best_threshold(scores[:, place], truth[:, place])
            if truth[:, place].sum() >= MIN_POSITIVES
            else common
            for place in range(self.num_outputs)
        )
        slope, offset = torch.from_numpy(slopes).float(), torch.from_numpy(offsets).float()
        served = HostHead(head.weight * slope[:, None], (head.bias - self._weights.log()) * slope + offset)
        return FittedHead(served, thresholds=thresholds, label_maps=maps)

    def _unweighted(self, outputs: Outputs) -> Outputs:
        plain: Outputs = outputs - self._weights.log().numpy()
        return plain


def macro_f1(said: Marks, truth: Marks) -> float:
    """Mean F1 over the labels that rows have."""
    support = truth.sum(0)
    f1 = 2 * (said & truth).sum(0) / np.maximum(said.sum(0) + support, 1)
    return float(f1[support > 0].mean()) if support.any() else 1.0


def _said(outputs: Outputs, fitted: FittedHead) -> Marks:
    marks: Marks = sigmoid(outputs) >= np.array(fitted.thresholds, np.float32)
    return marks


def _scores_before(outputs: Outputs, fitted: FittedHead) -> npt.NDArray[np.float32] | None:
    """As they would be without the labels' maps, which are in the head."""
    if not fitted.label_maps:
        return None
    slopes, offsets = _columns(fitted.label_maps)
    return sigmoid(((outputs - offsets) / slopes).astype(np.float32))


def _columns(maps: Sequence[ScoreMap]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Slopes and offsets, [labels] each."""
    return np.array([one.slope for one in maps]), np.array([one.offset for one in maps])


def _ece(scores: npt.NDArray[np.float32], truth: npt.NDArray[np.bool_]) -> float:
    return expected_calibration_error(*as_one_label(scores, truth))
