"""What a training must know of its kind of task: targets of rows, loss, the figure to watch, what the report
says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from hmi.build.data import LabelledRow
from hmi.build.frozen_probe import FrozenProbe
from hmi.build.linear_head import Features
from hmi.build.row_judge import RowJudge
from hmi.kinds.token_classification import ScoreMap
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts
from wire.artifacts import AdapterFields

Outputs = npt.NDArray[np.float32]
"""[rows, outputs], or [tokens of all rows, outputs] where the head reads tokens."""
Targets = npt.NDArray[Any]
"""One entry a row; type and further axes are the kind's own."""
TEACHER_TEMPERATURE = 2.0
"""How far the scores of a teacher, and of who imitates it, are softened."""


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A trained head as it is kept and served, and what was fitted on the validation rows."""

    head: HostHead
    temperature: float = 1.0  # the outputs were divided by it
    thresholds: tuple[float, ...] = ()  # AdapterFields.thresholds
    label_set_thresholds: tuple[float, ...] = ()  # AdapterFields.label_set_thresholds
    adjacent_cost: float = 0.0  # AdapterFields.adjacent_cost
    score_map: ScoreMap = field(default_factory=ScoreMap)  # AdapterFields.score_slope, score_offset
    label_maps: tuple[ScoreMap, ...] = ()  # what each label's outputs were put through; (): not known
    value_bounds: tuple[float, ...] = ()  # AdapterFields.value_bounds
    metrics: dict[str, float] = field(default_factory=dict)  # of AdapterFields.metrics


def fitted_head(head: HostHead, fields: AdapterFields) -> FittedHead:
    """Of a version as it is kept."""
    return FittedHead(
        head,
        temperature=fields.metrics.get("temperature", 1.0),
        thresholds=fields.thresholds,
        label_set_thresholds=fields.label_set_thresholds,
        adjacent_cost=fields.adjacent_cost,
        score_map=ScoreMap(fields.score_slope, fields.score_offset),
        value_bounds=fields.value_bounds,
        metrics=fields.metrics,
    )


def imitation_loss(outputs: Tensor, taught: Tensor) -> Tensor:
    """Of scores that sum to 1, as a mean over what is scored (Hinton et al. 2015)."""
    return TEACHER_TEMPERATURE**2 * functional.kl_div(
        (outputs / TEACHER_TEMPERATURE).log_softmax(dim=-1),
        (taught / TEACHER_TEMPERATURE).log_softmax(dim=-1),
        log_target=True,
        reduction="batchmean",
    )


class Learning(Protocol):
    """One training's loss and its figure. Knows its training rows; has no further state."""

    @property
    def num_outputs(self) -> int: ...

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Summed over the rows, weighted."""

    def taught_loss(self, outputs: Tensor, taught: Tensor) -> Tensor:
        """Mean over the rows, of imitating a teacher's outputs (task distillation)."""

    def weight(self, targets: Tensor) -> float:
        """What a batch's summed loss is divided by."""

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> float:
        """Mean, without weights."""

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        """wire.tasks.validation_metric, in -1..1: the more the better."""

    def finish(self, head: HostHead, outputs: Outputs, targets: Targets) -> FittedHead:
        """What is served of the trained ``head``, which gave ``outputs`` on the validation rows."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The test rows with what the served head gives them, in the rows' order."""

    rows: Sequence[LabelledRow]
    encoded: EncodedTexts
    outputs: Outputs
    targets: Targets
    train_targets: Targets | None  # None: not at hand, and nothing is said of them
    row_coverage: npt.NDArray[np.float64]  # [rows, 4] as LowerStates.coverage
    fitted: FittedHead
    seed: int


@dataclass(frozen=True, slots=True)
class Headline:
    """The one figure of a version that stands for it, with its 95% interval."""

    name: str
    value: float
    ci95: tuple[float, float]


class Figures(Protocol):
    """What the report says of the test rows: a dataclass, whose fields stand in the report."""

    @property
    def headline(self) -> Headline: ...


class TrainingKind(Protocol):
    """One kind of task with its labels."""

    @property
    def has_one_label(self) -> bool:
        """Targets are places of one label a row: of which one is the most frequent."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """What other kinds' reports have and this one's cannot, and why: a sentence each."""

    def problem(self, row: LabelledRow) -> str | None:
        """What is wrong with the label of a row of the dataset, in words without its text."""

    def strata(self, rows: Sequence[LabelledRow]) -> list[str]:
        """The part of the data each row is of: a split gives every part its share of each."""

    def refuse_hopeless(self, train: Sequence[LabelledRow]) -> None:
        """Raise HmiError(DATASET_*) for training rows from which nothing can be learnt."""

    def targets(self, rows: Sequence[LabelledRow], encoded: EncodedTexts) -> Targets: ...

    def judge(self) -> RowJudge | None:
        """What says which rows are probably labelled wrong; None where only the trained model can."""

    def probe(self, features: Features, offsets: npt.NDArray[np.int64], targets: Targets) -> FrozenProbe:
        """Of rows whose final states, as a head reads them, are ``features`` [rows, hidden], or [tokens,
        hidden]; ``offsets`` [rows + 1] are of the tokens."""

    def learning(self, train: Targets, *, weighs_classes: bool | None = None) -> Learning:
        """``weighs_classes`` as Recipe.class_weights."""

    def figures(self, evaluated: Evaluated) -> Figures: ...

    def metric(self, evaluated: Evaluated) -> float:
        """wire.tasks.validation_metric of these rows: the headline's value, without all else of figures()."""

    def row_quality(self, outputs: Outputs, targets: Targets, fitted: FittedHead) -> npt.NDArray[np.float64]:
        """How good each row's answer is, the more the better: its mean is a figure of the whole, and two
        models' answers are compared by it, row by row."""
