"""Rows whose label the other rows contradict: found by heads that never saw the row they judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from hmi.build.linear_head import Features, LinearHead, fit_linear_head
from hmi.build.metrics import Indices, Probabilities
from hmi.build.row_judge import MAX_SUSPECTS, NUM_FOLDS, OutOfFold, RowTargets, out_of_fold
from hmi.kinds.single_label import softmax


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose label is probably wrong; the text is not kept here."""

    row: int
    label: str
    suggested: str
    label_score: float  # of the label that it has
    suggested_score: float


@dataclass(frozen=True, slots=True)
class LabelErrors:
    """The judgement on a dataset's labels."""

    judged: int  # rows that were looked at
    num_suspects: int
    suspects: tuple[Suspect, ...]  # the surest first, MAX_SUSPECTS at most


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """Some rows with the scores that heads fitted on the other rows give them, in any order."""

    places: Indices  # [judged] place of the row among those that were given
    truth: Indices  # [judged]
    probabilities: Probabilities  # [judged, labels]


@dataclass(frozen=True, slots=True)
class SingleLabelJudge:
    """See RowJudge."""

    num_outputs: int
    labels: tuple[str, ...] = ()  # needed where errors are asked for
    least_quality: ClassVar[float] = 0.0

    def fit(self, features: Features, targets: RowTargets) -> LinearHead:
        return fit_linear_head(features, targets, self.num_outputs)

    def is_judged(self, targets: RowTargets) -> npt.NDArray[np.bool_]:
        """Not of labels with fewer rows than folds: a fold may hold all of them."""
        is_judged: npt.NDArray[np.bool_] = np.bincount(targets)[targets] >= NUM_FOLDS
        return is_judged

    def row_sums(self, outputs: npt.NDArray[np.float32], targets: RowTargets) -> npt.NDArray[np.float64]:
        """Is it right, and one row."""
        return np.column_stack((outputs.argmax(axis=1) == targets, np.ones(len(targets)))).astype(np.float64)

    def quality(self, sums: npt.NDArray[np.float64]) -> float:
        return float(sums[0] / max(sums[1], 1))

    def errors(self, judged: OutOfFold, targets: RowTargets, rows: Sequence[int]) -> LabelErrors:
        return label_errors(judged_rows(judged, targets), rows=rows, labels=self.labels)


def cross_validated(
    features: Features, truth: Indices, texts: Sequence[str], *, num_labels: int, seed: int
) -> JudgedRows:
    """Scores of each row by a head fitted on the folds without it, as out_of_fold."""
    return judged_rows(out_of_fold(SingleLabelJudge(num_labels), features, truth, texts, seed=seed), truth)


def judged_rows(found: OutOfFold, truth: Indices) -> JudgedRows:
    """Rows of labels with fewer rows than folds are not judged, but have helped to judge."""
    kept = truth[found.places]
    is_judged = SingleLabelJudge(int(kept.max(initial=0)) + 1).is_judged(kept)
    return JudgedRows(found.places[is_judged], kept[is_judged], softmax(found.outputs[is_judged]))


def by_suspicion(judged: JudgedRows) -> Indices:
    """Positions in ``judged``, the most suspect first: by how far another label's score stands above the own
    one's."""
    own = judged.probabilities[np.arange(len(judged.truth)), judged.truth]
    others = judged.probabilities.copy()
    others[np.arange(len(judged.truth)), judged.truth] = -1
    return np.argsort(own - others.max(axis=1, initial=0), kind="stable")


def label_errors(judged: JudgedRows, *, rows: Sequence[int], labels: Sequence[str]) -> LabelErrors:
    """The rows that look like another label's typical row (confident learning, Northcutt et al. 2021).

    Typical is a score of at least the mean score that the label's own rows have for it. ``rows`` are the
    numbers of all rows that were given to out_of_fold.
    """
    typical = _typical_scores(judged, len(labels))
    suspects = []
    for place in by_suspicion(judged).tolist():
        truth, scores = int(judged.truth[place]), judged.probabilities[place]
        suggested = int(scores.argmax())
        if suggested == truth or scores[suggested] < typical[suggested]:
            continue
        suspects.append(
            Suspect(
                row=rows[int(judged.places[place])],
                label=labels[truth],
                suggested=labels[suggested],
                label_score=float(scores[truth]),
                suggested_score=float(scores[suggested]),
            )
        )
    return LabelErrors(len(judged.truth), len(suspects), tuple(suspects[:MAX_SUSPECTS]))


def _typical_scores(judged: JudgedRows, num_labels: int) -> Probabilities:
    own = judged.probabilities[np.arange(len(judged.truth)), judged.truth]
    sums = np.bincount(judged.truth, weights=own, minlength=num_labels)
    counts = np.bincount(judged.truth, minlength=num_labels)
    # Of a label whose own rows are too few to be judged, nobody knows what is typical: no row looks like it.
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf).astype(np.float32)
