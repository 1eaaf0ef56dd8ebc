"""What linear heads on the frozen model tell of a task, whatever its kind: quick to fit, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hmi.build.linear_head import Features
from hmi.build.metrics import Indices
from hmi.build.row_judge import NUM_FOLDS, RowJudge, RowTargets
from hmi.build.split import hash_order

RowSums = npt.NDArray[np.float64]
"""[rows, columns]: what each row adds to the sums of which the kind's figure is made."""


class FrozenProbe(Protocol):
    """Some rows as the frozen model reads them. Has no state that changes."""

    @property
    def num_outputs(self) -> int: ...

    @property
    def least_quality(self) -> float:
        """What quality() gives at worst."""

    @property
    def max_rows(self) -> int:
        """A head is fitted on no more."""

    @property
    def is_judged(self) -> npt.NDArray[np.bool_]:
        """[rows] Whether heads fitted on other rows can tell anything of the row."""

    def row_sums(self, train: Indices, judged: Indices) -> RowSums:
        """Of the ``judged`` rows, by a head fitted on the ``train`` rows."""

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        """wire.tasks.validation_metric from the sums [columns] over some rows."""


@dataclass(frozen=True, slots=True)
class PooledProbe:
    """Of kinds whose heads read the mean of a text's states. See FrozenProbe."""

    judge: RowJudge
    features: Features  # [rows, hidden]
    targets: RowTargets  # [rows, ...]

    @property
    def num_outputs(self) -> int:
        return self.judge.num_outputs

    @property
    def least_quality(self) -> float:
        return self.judge.least_quality

    @property
    def max_rows(self) -> int:
        return len(self.features)

    @property
    def is_judged(self) -> npt.NDArray[np.bool_]:
        return self.judge.is_judged(self.targets)

    def row_sums(self, train: Indices, judged: Indices) -> RowSums:
        head = self.judge.fit(self.features[train], self.targets[train])
        return self.judge.row_sums(head.outputs(self.features[judged]), self.targets[judged])

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        return self.judge.quality(sums)


def cross_validated_sums(probe: FrozenProbe, texts: Sequence[str], *, seed: int) -> RowSums:
    """Of each row that can be judged, by a head fitted on the folds without it; rows of equal texts share a
    fold. None where all texts are equal: nothing is there to judge them by."""
    folds = np.array([int.from_bytes(hash_order(text, seed), "big") % NUM_FOLDS for text in texts])
    is_judged, found = probe.is_judged, []
    for fold in range(NUM_FOLDS):
        inside = folds == fold
        if (inside & is_judged).any() and not inside.all():
            found.append(probe.row_sums(np.flatnonzero(~inside), np.flatnonzero(inside & is_judged)))
    return np.concatenate(found) if found else np.zeros((0, 1))


def places_after(parts: Sequence[int]) -> list[Indices]:
    """Places of the rows of each of some parts, one behind the other; ``parts`` are their numbers of rows."""
    ends = np.cumsum(parts)
    return [np.arange(end - number, end) for number, end in zip(parts, ends.tolist(), strict=True)]
