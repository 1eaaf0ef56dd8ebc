"""Rows whose spans the trained model contradicts, surely enough."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.metrics import Indices
from hmi.build.row_judge import MAX_SUSPECTS
from wire.spans import Span

SURE_ENOUGH = 0.5
"""A share. Most rows that are judged were trained on: what is wrong with them the model was taught, and it is
less sure of the contrary than of a right span (docs/decisions/0001, Suspect labels)."""


@dataclass(frozen=True, slots=True)
class SpanSuspect:
    """A row whose spans are probably wrong; the text is not kept here."""

    row: int
    spans: tuple[Span, ...]
    suggested: tuple[Span, ...]  # what the model finds; what was not read stays
    doubt: float  # score of a span that it finds and the row lacks, or 1 less that of one that the row has


@dataclass(frozen=True, slots=True)
class SpanErrors:
    """The judgement on a dataset's spans, by the model that was trained on most of them: it has learnt the
    mistakes that are many of a kind, and does not see those."""

    judged: int  # rows that were looked at
    num_suspects: int
    suspects: tuple[SpanSuspect, ...]  # the surest first, MAX_SUSPECTS at most


@dataclass(frozen=True, slots=True)
class JudgedSpans:
    """Spans of many rows, as they are labelled or as they are found."""

    rows: Indices  # [spans] place of the row
    scores: npt.NDArray[np.float64]  # [spans] that the model gives them
    is_agreed: npt.NDArray[np.bool_]  # [spans] they are among the other ones


def doubtful_rows(labelled: JudgedSpans, found: JudgedSpans, num_rows: int) -> list[tuple[int, float]]:
    """Places of the suspects with the doubt on each, the surest first.

    A row is one when the model is SURE_ENOUGH of a difference, beside how sure it is, on average, of spans
    that are labelled so (as confident learning, Northcutt et al. 2021, where that share is 1). Where it finds
    none of those, it knows too little to doubt.
    """
    agreed = found.scores[found.is_agreed]
    if not len(agreed):
        return []
    doubts = np.zeros(num_rows)
    extra, missing = ~found.is_agreed, ~labelled.is_agreed
    np.maximum.at(doubts, found.rows[extra], found.scores[extra])
    np.maximum.at(doubts, labelled.rows[missing], 1 - labelled.scores[missing])
    least = SURE_ENOUGH * agreed.mean()
    order = np.argsort(-doubts, kind="stable")
    return [(int(place), float(doubts[place])) for place in order if doubts[place] >= least]


def span_errors(
    doubts: Sequence[tuple[int, float]],
    *,
    rows: Sequence[int],
    labelled: Sequence[tuple[Span, ...]],
    found: dict[int, tuple[Span, ...]],
) -> SpanErrors:
    """``rows`` and ``labelled`` of all rows that were judged, ``found`` of the first MAX_SUSPECTS doubts."""
    return SpanErrors(
        judged=len(rows),
        num_suspects=len(doubts),
        suspects=tuple(
            SpanSuspect(rows[place], labelled[place], found[place], doubt)
            for place, doubt in doubts[:MAX_SUSPECTS]
        ),
    )
