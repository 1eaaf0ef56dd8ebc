"""Linear heads on frozen states judge rows that they have not seen: are they labelled wrong, and would more
of them help?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hmi.build.linear_head import Features, LinearHead
from hmi.build.metrics import Indices
from hmi.build.split import hash_order

NUM_FOLDS = 5
MAX_ROWS = 20_000
MAX_ROWS_TIMES_OUTPUTS = 10_000_000
"""More is not judged: fitting the heads would take longer than the training."""
MAX_SUSPECTS = 100
"""As many as a report lists."""

RowTargets = npt.NDArray[Any]
"""As TrainingKind.targets."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Some rows with what heads fitted on the other rows give them, in any order."""

    places: Indices  # [judged] place of the row among those that were given
    outputs: npt.NDArray[np.float32]  # [judged, outputs]


class RowJudge(Protocol):
    """How linear heads judge the rows of one kind of task. Has no state; safe to share."""

    @property
    def num_outputs(self) -> int: ...

    @property
    def least_quality(self) -> float:
        """What quality() gives at worst."""

    def fit(self, features: Features, targets: RowTargets) -> LinearHead:
        """A head for these rows; nothing of it depends on a seed."""

    def is_judged(self, targets: RowTargets) -> npt.NDArray[np.bool_]:
        """[rows] Whether heads fitted on other rows of these can tell anything of the row."""

    def row_sums(self, outputs: npt.NDArray[np.float32], targets: RowTargets) -> npt.NDArray[np.float64]:
        """[rows, columns]: what each of other rows adds, by what such a head gives it, to the sums of which
        quality() is made."""

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        """wire.tasks.validation_metric from the sums [columns] over some rows."""

    def errors(self, judged: OutOfFold, targets: RowTargets, rows: Sequence[int]) -> Any:
        """The rows that are probably labelled wrong: a dataclass, which stands in the report. ``targets`` and
        ``rows``, their numbers, are of all rows that were given to out_of_fold."""


def out_of_fold(
    judge: RowJudge, features: Features, targets: RowTargets, texts: Sequence[str], *, seed: int
) -> OutOfFold:
    """Outputs for each row by a head fitted on the folds without it; rows of equal texts share a fold. Where
    all texts are equal, nothing is there to judge them by, and none is."""
    orders = [int.from_bytes(hash_order(text, seed), "big") for text in texts]
    most = min(MAX_ROWS, max(NUM_FOLDS, MAX_ROWS_TIMES_OUTPUTS // judge.num_outputs))
    chosen = np.sort(np.argsort(np.array(orders, np.uint64), kind="stable")[:most])
    folds = np.array([orders[place] % NUM_FOLDS for place in chosen.tolist()], np.int64)
    kept_features, kept_targets = features[chosen], targets[chosen]
    outputs = np.zeros((len(chosen), judge.num_outputs), np.float32)
    for fold in range(NUM_FOLDS):
        inside = folds == fold
        if inside.all():
            return OutOfFold(chosen[:0], outputs[:0])
        if inside.any():
            head = judge.fit(kept_features[~inside], kept_targets[~inside])
            outputs[inside] = head.outputs(kept_features[inside])
    return OutOfFold(chosen, outputs)
