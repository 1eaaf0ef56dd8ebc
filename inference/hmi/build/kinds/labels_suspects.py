"""Rows of several labels each, of which one is given or missing against what the other rows say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional

from hmi.build.linear_head import Features, LinearHead, fit_linear_head
from hmi.build.metrics import best_threshold, f1_of
from hmi.build.row_judge import MAX_SUSPECTS, NUM_FOLDS, OutOfFold, RowTargets
from hmi.kinds.multi_label import sigmoid


@dataclass(frozen=True, slots=True)
class DoubtedLabel:
    """A label that the row has and probably should not, or lacks and should have."""

    label: str
    is_given: bool
    score: float  # that a head gives it which never saw the row


@dataclass(frozen=True, slots=True)
class LabelsSuspect:
    """A row of which labels are probably wrong; the text is not kept here."""

    row: int
    labels: tuple[str, ...]
    suggested: tuple[str, ...]  # with the doubted ones added or taken away
    doubted: tuple[DoubtedLabel, ...]  # the surest first
    doubt: float  # of the surest: its score where it is missing, 1 less it where it is given


@dataclass(frozen=True, slots=True)
class LabelsErrors:
    """The judgement on a dataset's labels, one by one."""

    judged: int  # rows that were looked at
    num_suspects: int  # rows
    suspects: tuple[LabelsSuspect, ...]  # the surest first, MAX_SUSPECTS at most


@dataclass(frozen=True, slots=True)
class LabelsJudge:
    """See RowJudge. RowTargets are [rows, labels] float32, 1 where a row has the label."""

    labels: tuple[str, ...]
    least_quality: ClassVar[float] = 0.0

    @property
    def num_outputs(self) -> int:
        return len(self.labels)

    def fit(self, features: Features, targets: RowTargets) -> LinearHead:
        return fit_linear_head(features, targets, self.num_outputs, loss=_summed)

    def is_judged(self, targets: RowTargets) -> npt.NDArray[np.bool_]:
        return np.ones(len(targets), np.bool_)

    def row_sums(self, outputs: npt.NDArray[np.float32], targets: RowTargets) -> npt.NDArray[np.float64]:
        """Labels that are right, given and there, at the one threshold that is best here."""
        scores, truth = sigmoid(outputs), targets > 0
        said = scores >= best_threshold(scores.ravel(), truth.ravel())
        return np.stack([(said & truth).sum(1), said.sum(1), truth.sum(1)], axis=1).astype(np.float64)

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        """Micro F1."""
        return f1_of(*sums.tolist())

    def errors(self, judged: OutOfFold, targets: RowTargets, rows: Sequence[int]) -> LabelsErrors:
        """A label of a row is doubted where the heads say the contrary, as surely as they are, on average, of
        rows that are labelled so (confident learning, Northcutt et al. 2021)."""
        scores, given = sigmoid(judged.outputs).astype(np.float64), targets[judged.places] > 0
        doubts = np.where(given, 1 - scores, scores)
        typical = np.where(given, _mean(1 - scores, ~given), _mean(scores, given))
        is_doubted = (doubts > 0.5) & (doubts >= typical)
        # A fold may hold all rows of a label that has so few.
        num_given = given.sum(0)
        is_doubted &= np.minimum(num_given, len(given) - num_given) >= NUM_FOLDS
        doubts *= is_doubted
        surest = doubts.max(axis=1, initial=0.0)
        order = np.argsort(-surest, kind="stable")
        suspects = order[surest[order] > 0].tolist()
        return LabelsErrors(
            judged=len(given),
            num_suspects=len(suspects),
            suspects=tuple(
                self._suspect(rows[int(judged.places[place])], given[place], scores[place], doubts[place])
                for place in suspects[:MAX_SUSPECTS]
            ),
        )

    def _suspect(
        self,
        row: int,
        given: npt.NDArray[np.bool_],  # [labels]
        scores: npt.NDArray[np.float64],  # [labels]
        doubts: npt.NDArray[np.float64],  # [labels] 0 where there is none
    ) -> LabelsSuspect:
        order = np.argsort(-doubts, kind="stable")
        doubted = order[doubts[order] > 0].tolist()
        return LabelsSuspect(
            row=row,
            labels=self._named(given),
            suggested=self._named(given ^ (doubts > 0)),
            doubted=tuple(
                DoubtedLabel(self.labels[place], bool(given[place]), float(scores[place]))
                for place in doubted
            ),
            doubt=float(doubts[doubted[0]]),
        )

    def _named(self, marks: npt.NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(label for label, has in zip(self.labels, marks.tolist(), strict=True) if has)


def _summed(outputs: Tensor, targets: Tensor) -> Tensor:
    """Over the labels, each of which has a head of its own: its decay does not grow with their number."""
    return functional.binary_cross_entropy_with_logits(outputs, targets, reduction="sum") / len(targets)


def _mean(scores: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """[labels] Mean over the chosen rows of each; 0 where there are none."""
    sums: npt.NDArray[np.float64] = (scores * chosen).sum(0) / np.maximum(chosen.sum(0), 1)
    return sums
