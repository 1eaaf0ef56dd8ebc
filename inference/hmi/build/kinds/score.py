"""Training and report of tasks that predict a score: a number a text."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow
from hmi.build.frozen_probe import PooledProbe
from hmi.build.kinds.learning import (
    Evaluated,
    FittedHead,
    Headline,
    Outputs,
    Targets,
)
from hmi.build.kinds.score_suspects import ScoreJudge
from hmi.build.linear_head import Features
from hmi.build.metrics import bootstrap_rows, r2
from hmi.build.report import row_error_slices
from hmi.build.slices import ErrorSlice
from hmi.kinds.score import value_counts
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts
from wire.errors import ErrorCode

NUM_STRATA = 5
MAX_MISTAKES = 20
NUM_BUCKETS = 10
"""In which values are counted, to see whether live ones drift: with as many validation rows in each."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreMistake:
    """A test row whose predicted score is far off."""

    row: int
    value: float
    predicted: float


@dataclass(frozen=True, slots=True)
class TrainValues:
    """The training rows' scores, and what knowing no more than their mean gives."""

    mean: float
    std: float
    least: float
    most: float
    mean_mae: float  # mean absolute error on the test rows of always saying the mean


@dataclass(frozen=True, slots=True)
class ValueCounts:
    """Predicted values in the buckets that live ones are counted in."""

    bounds: tuple[float, ...]  # AdapterFields.value_bounds
    counts: tuple[int, ...]  # [bounds + 1] test rows


@dataclass(frozen=True, slots=True)
class ScoreFigures:
    """In the units of the training data; each with a 95% bootstrap interval over the test rows."""

    mae: float  # mean absolute error
    mae_ci95: tuple[float, float]
    rmse: float  # root of the mean squared error
    rmse_ci95: tuple[float, float]
    r2: float  # share of the variance that is explained; 0: no better than always saying the mean
    r2_ci95: tuple[float, float]
    pearson: float  # correlation; 0 where one of the two does not vary
    pearson_ci95: tuple[float, float]
    spearman: float  # correlation of the ranks
    spearman_ci95: tuple[float, float]
    train: TrainValues | None
    values: ValueCounts | None  # None: of a version that has no bounds
    mistakes: tuple[ScoreMistake, ...]  # the furthest off first
    slices: tuple[ErrorSlice, ...]

    @property
    def headline(self) -> Headline:
        return Headline("r2", self.r2, self.r2_ci95)


class ScoreTraining:
    """See TrainingKind."""

    has_one_label = False
    left_out: Mapping[str, str] = {
        "calibration": "An answer is a number, not a probability: there is no score to compare with shares.",
        "label_sets": "An answer is a number: there is no set of labels to give instead.",
    }

    def problem(self, row: LabelledRow) -> str | None:
        if row.value is None or not math.isfinite(row.value):
            return "its value is no finite number"
        return None

    def strata(self, rows: Sequence[LabelledRow]) -> list[str]:
        """Fifths by value."""
        values = _values(rows)
        bounds = np.quantile(values, np.arange(1, NUM_STRATA) / NUM_STRATA)
        return [str(place) for place in np.searchsorted(bounds, values).tolist()]

    def refuse_hopeless(self, train: Sequence[LabelledRow]) -> None:
        if len({row.value for row in train}) < 2:
            raise HmiError(
                ErrorCode.DATASET_ONE_LABEL,
                "the training rows all have one value; give texts of different ones",
            )

    def targets(self, rows: Sequence[LabelledRow], encoded: EncodedTexts) -> Targets:
        return _values(rows)

    def judge(self) -> ScoreJudge:
        return ScoreJudge()

    def probe(self, features: Features, offsets: npt.NDArray[np.int64], targets: Targets) -> PooledProbe:
        # R² is the same of standardised values, and sums of their squares lose nothing to rounding.
        standardised = (targets - targets.mean()) / (targets.std() or 1.0)
        return PooledProbe(self.judge(), features, standardised)

    def learning(self, train: Targets, *, weighs_classes: bool | None = None) -> "ScoreLearning":
        return ScoreLearning(mean=float(train.mean()), scale=float(train.std()) or 1.0)

    def figures(self, evaluated: Evaluated) -> ScoreFigures:
        predicted, truth = evaluated.outputs[:, 0].astype(np.float64), evaluated.targets
        train, bounds = evaluated.train_targets, evaluated.fitted.value_bounds

        def with_interval(metric: Callable[[Values, Values], float]) -> tuple[float, tuple[float, float]]:
            interval = bootstrap_rows(
                lambda rows: metric(predicted[rows], truth[rows]), len(truth), seed=evaluated.seed
            )
            return metric(predicted, truth), (interval.low, interval.high)

        found = {name: with_interval(metric) for name, metric in _METRICS.items()}
        order = np.argsort(-np.abs(predicted - truth), kind="stable")[:MAX_MISTAKES]
        return ScoreFigures(
            mae=found["mae"][0],
            mae_ci95=found["mae"][1],
            rmse=found["rmse"][0],
            rmse_ci95=found["rmse"][1],
            r2=found["r2"][0],
            r2_ci95=found["r2"][1],
            pearson=found["pearson"][0],
            pearson_ci95=found["pearson"][1],
            spearman=found["spearman"][0],
            spearman_ci95=found["spearman"][1],
            train=None if train is None else _train_values(train, truth),
            values=ValueCounts(bounds, value_counts(predicted.tolist(), bounds)) if bounds else None,
            mistakes=tuple(
                ScoreMistake(evaluated.rows[place].row, float(truth[place]), float(predicted[place]))
                for place in order.tolist()
            ),
            slices=row_error_slices(
                np.abs(predicted - truth),
                characters=[len(row.whole_text) for row in evaluated.rows],
                row_coverage=evaluated.row_coverage,
                seed=evaluated.seed,
            ),
        )

    def metric(self, evaluated: Evaluated) -> float:
        return r2(evaluated.outputs[:, 0].astype(np.float64), evaluated.targets)

    def row_quality(self, outputs: Outputs, targets: Targets, fitted: FittedHead) -> npt.NDArray[np.float64]:
        """Less the absolute error."""
        errors: Values = -np.abs(outputs[:, 0].astype(np.float64) - targets)
        return errors


@dataclass(frozen=True, slots=True)
class ScoreLearning:
    """See Learning. The head learns standardised values; what is served has them undone in its weights."""

    mean: float
    scale: float
    num_outputs: int = 1

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return functional.mse_loss(outputs[:, 0], self._standardised(targets), reduction="sum")

    def taught_loss(self, outputs: Tensor, taught: Tensor) -> Tensor:
        return functional.mse_loss(outputs, taught)

    def weight(self, targets: Tensor) -> float:
        return float(len(targets))

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> float:
        return float(functional.mse_loss(outputs[:, 0], self._standardised(targets)))

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        return max(-1.0, r2(outputs[:, 0] * self.scale + self.mean, targets))

    def finish(self, head: HostHead, outputs: Outputs, targets: Targets) -> FittedHead:
        served = outputs[:, 0].astype(np.float64) * self.scale + self.mean
        bounds = np.unique(np.quantile(served, np.arange(1, NUM_BUCKETS) / NUM_BUCKETS))
        return FittedHead(
            HostHead(head.weight * self.scale, head.bias * self.scale + self.mean),
            value_bounds=tuple(bounds.tolist()),
        )

    def _standardised(self, targets: Tensor) -> Tensor:
        return ((targets - self.mean) / self.scale).float()


def mae(predicted: Values, truth: Values) -> float:
    """Mean absolute error."""
    return float(np.abs(predicted - truth).mean())


def rmse(predicted: Values, truth: Values) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.square(predicted - truth).mean()))


def pearson(predicted: Values, truth: Values) -> float:
    """Correlation; 0 where one of the two does not vary."""
    first, second = predicted - predicted.mean(), truth - truth.mean()
    norm = float(np.sqrt(np.square(first).sum() * np.square(second).sum()))
    return float((first * second).sum()) / norm if norm > 0 else 0.0


def spearman(predicted: Values, truth: Values) -> float:
    """Correlation of the ranks; equal values share their mean rank."""
    return pearson(_ranks(predicted), _ranks(truth))


def _train_values(train: Values, truth: Values) -> TrainValues:
    return TrainValues(
        mean=float(train.mean()),
        std=float(train.std()),
        least=float(train.min()),
        most=float(train.max()),
        mean_mae=mae(np.full_like(truth, train.mean()), truth),
    )


def _ranks(values: Values) -> Values:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places], np.float64)


def _values(rows: Sequence[LabelledRow]) -> Values:
    return np.array([row.value for row in rows], np.float64)


_METRICS: dict[str, Callable[[Values, Values], float]] = {
    "mae": mae,
    "rmse": rmse,
    "r2": r2,
    "pearson": pearson,
    "spearman": spearman,
}
