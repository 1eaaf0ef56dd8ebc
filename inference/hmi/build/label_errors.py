"""Rows whose label the other rows contradict: found by heads that never saw the row they judge."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmi.build.linear_head import Features, fit_linear_head
from hmi.build.metrics import Indices, Probabilities
from hmi.build.split import hash_order

NUM_FOLDS = 5
MAX_ROWS = 20_000
MAX_ROWS_TIMES_LABELS = 10_000_000
"""More is not judged: fitting the heads would take longer than the training."""
MAX_SUSPECTS = 100
"""As many as a report lists."""


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


def cross_validated(
    features: Features, truth: Indices, texts: Sequence[str], *, num_labels: int, seed: int
) -> JudgedRows:
    """Scores of each row by a head fitted on the folds without it; rows of equal texts share a fold.

    Rows of labels with fewer rows than folds are not judged, but help to judge: a fold may hold all of them.
    """
    orders = [int.from_bytes(hash_order(text, seed), "big") for text in texts]
    most = min(MAX_ROWS, max(NUM_FOLDS, MAX_ROWS_TIMES_LABELS // num_labels))
    chosen = np.sort(np.argsort(np.array(orders, np.uint64), kind="stable")[:most])
    folds = np.array([orders[place] % NUM_FOLDS for place in chosen.tolist()], np.int64)
    kept_features, kept_truth = features[chosen], truth[chosen]
    scores = np.zeros((len(chosen), num_labels), np.float32)
    judged = np.bincount(kept_truth, minlength=num_labels)[kept_truth] >= NUM_FOLDS
    for fold in range(NUM_FOLDS):
        inside = folds == fold
        if inside.all():  # all texts are equal: nothing else is there to judge them by
            judged[inside] = False
        elif inside.any():
            head = fit_linear_head(kept_features[~inside], kept_truth[~inside], num_labels)
            scores[inside] = head.probabilities(kept_features[inside])
    return JudgedRows(chosen[judged], kept_truth[judged], scores[judged])


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
    numbers of all rows that were given to cross_validated.
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
    return (sums / np.maximum(counts, 1)).astype(np.float32)
