"""What linear heads on the frozen model tell of a task, whatever its kind: quick to fit, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hmi.build.linear_head import Features
from hmi.build.metrics import Indices
from hmi.build.row_judge import RowJudge, RowTargets

RowSums = npt.NDArray[np.float64]
"""[rows, columns]: what each row adds to the sums of which the kind's figure is made."""


class FrozenProbe(Protocol):
    """Some rows as the frozen model reads them. Has no state that changes."""

    @property
    def num_outputs(self) -> int: ...

    @property
    def max_rows(self) -> int:
        """A head is fitted on no more."""

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
    def max_rows(self) -> int:
        return len(self.features)

    def row_sums(self, train: Indices, judged: Indices) -> RowSums:
        head = self.judge.fit(self.features[train], self.targets[train])
        return self.judge.row_sums(head.outputs(self.features[judged]), self.targets[judged])

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        return self.judge.quality(sums)


def places_after(parts: Sequence[int]) -> list[Indices]:
    """Places of the rows of each of some parts, one behind the other; ``parts`` are their numbers of rows."""
    ends = np.cumsum(parts)
    return [np.arange(end - number, end) for number, end in zip(parts, ends.tolist(), strict=True)]
