"""Training and report of tasks with one label a text, or a pair of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import HmiError
from hmi.base.label_sets import thresholds_of
from hmi.build.data import LabelledRow, label_indices
from hmi.build.frozen_probe import PooledProbe
from hmi.build.kinds.class_weights import class_weights
from hmi.build.kinds.learning import (
    Evaluated,
    FittedHead,
    Headline,
    Outputs,
    Targets,
    imitation_loss,
)
from hmi.build.label_errors import SingleLabelJudge
from hmi.build.label_set_figures import LabelSetFigures, label_set_figures
from hmi.build.linear_head import Features
from hmi.build.metrics import ClassMetrics, accuracy
from hmi.build.report import (
    HeldOut,
    Mistake,
    held_out_figures,
    held_out_slices,
    majority_accuracy,
    worst_mistakes,
)
from hmi.build.score_calibration import ScoreCalibration, fit_temperature, score_calibration
from hmi.build.slices import Slice
from hmi.kinds.single_label import softmax
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts
from wire.errors import ErrorCode

MIN_LABELS = 2


@dataclass(frozen=True, slots=True)
class SingleLabelFigures:
    """Shares are in 0..1 and unrounded, so that they can be compared with what is served."""

    accuracy: float
    accuracy_ci95: tuple[float, float]
    macro_f1: float
    macro_f1_ci95: tuple[float, float]
    majority_accuracy: float | None  # of always saying the label that most training rows have
    ece: float  # as calibration.ece
    calibration: ScoreCalibration
    label_sets: tuple[LabelSetFigures, ...]
    labels: tuple[str, ...]
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]  # [true][predicted], in the order of `labels`
    mistakes: tuple[Mistake, ...]  # the surest first, MAX_MISTAKES at most
    slices: tuple[Slice, ...]

    @property
    def headline(self) -> Headline:
        return Headline("accuracy", self.accuracy, self.accuracy_ci95)


class SingleLabelTraining:
    """See TrainingKind."""

    has_one_label = True
    left_out: Mapping[str, str] = {}

    def __init__(self, labels: tuple[str, ...], *, has_pairs: bool = False) -> None:
        self._has_pairs = has_pairs
        self._labels = labels
        self._known = frozenset(labels)

    def problem(self, row: LabelledRow) -> str | None:
        if self._has_pairs and not (row.pair or "").strip():
            return "it has no second text"
        return None if row.label in self._known else "its label is not one of the job's labels"

    def strata(self, rows: Sequence[LabelledRow]) -> list[str]:
        return [row.label for row in rows]

    def refuse_hopeless(self, train: Sequence[LabelledRow]) -> None:
        num_labels = len({row.label for row in train})
        if num_labels < MIN_LABELS:
            raise HmiError(
                ErrorCode.DATASET_ONE_LABEL,
                f"the training rows have {num_labels} label; give texts of at least {MIN_LABELS} different "
                "ones",
            )

    def targets(self, rows: Sequence[LabelledRow], encoded: EncodedTexts) -> Targets:
        return np.array(label_indices(rows, self._labels), np.int64)

    def judge(self) -> SingleLabelJudge:
        return SingleLabelJudge(len(self._labels), self._labels)

    def probe(self, features: Features, offsets: npt.NDArray[np.int64], targets: Targets) -> PooledProbe:
        return PooledProbe(self.judge(), features, targets)

    def learning(self, train: Targets, *, weighs_classes: bool | None = None) -> "SingleLabelLearning":
        return SingleLabelLearning(len(self._labels), train, weighs_classes=weighs_classes is not False)

    def figures(self, evaluated: Evaluated) -> SingleLabelFigures:
        held_out = HeldOut(softmax(evaluated.outputs), evaluated.targets)
        found = held_out_figures(held_out, labels=self._labels, seed=evaluated.seed)
        return SingleLabelFigures(
            accuracy=found.accuracy,
            accuracy_ci95=found.accuracy_ci95,
            macro_f1=found.macro_f1,
            macro_f1_ci95=found.macro_f1_ci95,
            majority_accuracy=None
            if evaluated.train_targets is None
            else majority_accuracy(evaluated.train_targets, evaluated.targets),
            ece=found.ece,
            calibration=score_calibration(
                held_out.probabilities, held_out.truth, temperature=evaluated.fitted.temperature
            ),
            label_sets=label_set_figures(
                held_out.probabilities, held_out.truth, evaluated.fitted.label_set_thresholds
            ),
            labels=self._labels,
            classes=found.classes,
            confusion=found.confusion,
            mistakes=worst_mistakes(
                held_out, rows=tuple(row.row for row in evaluated.rows), labels=self._labels
            ),
            slices=held_out_slices(
                held_out,
                characters=[len(row.whole_text) for row in evaluated.rows],
                row_coverage=evaluated.row_coverage,
                seed=evaluated.seed,
            ),
        )

    def metric(self, evaluated: Evaluated) -> float:
        return accuracy(softmax(evaluated.outputs), evaluated.targets)

    def row_quality(self, outputs: Outputs, targets: Targets, fitted: FittedHead) -> npt.NDArray[np.float64]:
        return np.asarray(outputs.argmax(axis=1) == targets, np.float64)


class SingleLabelLearning:
    """See Learning."""

    def __init__(self, num_labels: int, train: Targets, *, weighs_classes: bool = True) -> None:
        self.num_outputs = num_labels
        self._weights = class_weights(train, num_labels) if weighs_classes else None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(outputs, targets, weight=self._weights, reduction="sum")

    def taught_loss(self, outputs: Tensor, taught: Tensor) -> Tensor:
        return imitation_loss(outputs, taught)

    def weight(self, targets: Tensor) -> float:
        return float(len(targets) if self._weights is None else self._weights[targets].sum())

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> float:
        return float(functional.cross_entropy(outputs, targets))

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        return float((outputs.argmax(axis=1) == targets).mean())

    def finish(self, head: HostHead, outputs: Outputs, targets: Targets) -> FittedHead:
        temperature = fit_temperature(outputs, targets)
        scores = softmax(outputs / np.float32(temperature))
        return FittedHead(
            head.at_temperature(temperature),
            temperature,
            label_set_thresholds=thresholds_of(scores[np.arange(len(targets)), targets].tolist()),
            metrics={"temperature": temperature},
        )
