"""Which rows' spans are doubted."""

import numpy as np

from hmi.build.kinds.span_suspects import JudgedSpans, doubtful_rows, span_errors
from wire.spans import Span


def spans(*some: tuple[int, float, bool]) -> JudgedSpans:
    """Row, score, and whether the other side has it."""
    rows, scores, agreed = zip(*some, strict=True) if some else ((), (), ())
    return JudgedSpans(
        np.array(rows, np.int64), np.array(scores, np.float64), np.array(agreed, dtype=np.bool_)
    )


def test_a_row_is_doubted_when_the_model_is_half_as_sure_of_a_difference_as_of_right_spans() -> None:
    found = spans((0, 0.9, True), (1, 0.7, True), (2, 0.85, False), (3, 0.45, False), (5, 0.35, False))
    labelled = spans((0, 0.9, True), (1, 0.7, True), (3, 0.7, False), (4, 0.05, False), (5, 0.8, False))
    assert doubtful_rows(labelled, found, 6) == [(4, 0.95), (2, 0.85), (3, 0.45)]


def test_a_model_that_finds_no_right_span_doubts_nothing() -> None:
    assert doubtful_rows(spans((0, 0.1, False)), spans((0, 0.9, False)), 2) == []
    assert doubtful_rows(spans(), spans(), 2) == []


def test_the_list_has_what_is_labelled_and_what_is_found() -> None:
    there, other = Span(0, 3, "a"), Span(4, 6, "b")
    errors = span_errors([(1, 0.8)], rows=[7, 9], labelled=[(), (there,)], found={1: (other,)})
    assert (errors.judged, errors.num_suspects) == (2, 1)
    [suspect] = errors.suspects
    assert (suspect.row, suspect.spans, suspect.suggested) == (9, (there,), (other,))
