"""Figures of test rows, by kind, where hardly anything is there to measure: no training is behind them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from hmi.build.data import LabelledRow
from hmi.build.kinds.learning import Evaluated, FittedHead, Outputs
from hmi.build.kinds.multi_label import MultiLabelFigures, MultiLabelTraining
from hmi.build.kinds.span_figures import SpanFigures
from hmi.build.kinds.token_classification import TokenClassificationTraining
from hmi.build.metrics import wilson_interval
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts, Tokenizer
from tests.tiny.backbone import tiny_tokenizer
from wire.spans import Span

LABELS = ("blame", "hope", "praise")
HEAD = HostHead(torch.zeros(3, 4), torch.zeros(3))
FITTED = FittedHead(HEAD, adjacent_cost=0.0)
TOKENIZER = Tokenizer(tiny_tokenizer())


def labels_figures(
    truth: Sequence[tuple[str, ...]], said: Sequence[tuple[str, ...]], labels: tuple[str, ...] = LABELS
) -> MultiLabelFigures:
    """Of rows that have the labels ``truth`` and are answered ``said``."""
    kind = MultiLabelTraining(labels)
    rows, answered = (
        [LabelledRow(number, f"text {number}", labels=given) for number, given in enumerate(some)]
        for some in (truth, said)
    )
    encoded = TOKENIZER.encode([row.text for row in rows], 16)
    outputs = np.where(kind.targets(answered, encoded) > 0, 3, -3).astype(np.float32)
    fitted = FittedHead(HEAD, thresholds=(0.5,) * len(labels))
    coverage = np.tile([0.5, 0.2, 0.3, 0.0], (len(rows), 1))
    return kind.figures(
        Evaluated(rows, encoded, outputs, kind.targets(rows, encoded), None, coverage, fitted, seed=1)
    )


def span_figures(
    text: str, truth: Sequence[tuple[Span, ...]], said: Sequence[tuple[Span, ...]], *, max_tokens: int = 32
) -> SpanFigures:
    """Of rows of one text that have the spans ``truth`` and are answered ``said``."""
    kind = TokenClassificationTraining(LABELS)
    rows, answered = (
        [LabelledRow(number, text, spans=given) for number, given in enumerate(some)]
        for some in (truth, said)
    )
    encoded = TOKENIZER.encode([text] * len(rows), max_tokens, with_words=True)
    coverage = np.tile([0.5, 0.2, 0.3, 0.0], (len(rows), 1))
    outputs, targets = span_outputs(answered, encoded), kind.targets(rows, encoded)
    return kind.figures(Evaluated(rows, encoded, outputs, targets, None, coverage, FITTED, seed=1))


def span_outputs(rows: list[LabelledRow], encoded: EncodedTexts) -> Outputs:
    """Of a head that finds the rows' spans for sure."""
    targets, lengths = TokenClassificationTraining(LABELS).targets(rows, encoded), encoded.documents.lengths
    tags = np.concatenate(
        [of_row[:length, 0] for of_row, length in zip(targets, lengths.tolist(), strict=True)]
    )
    sure: Outputs = np.where(np.maximum(tags, 0)[:, None] == np.arange(2 * len(LABELS) + 1), 20, 0).astype(
        np.float32
    )
    return sure


def test_a_label_that_no_row_has_and_none_is_given_has_no_f1() -> None:
    """As its precision and recall, and as labels of spans: 1 would say that it is found without fail."""
    rows = [("praise",), ("blame", "praise")] * 10
    figures = labels_figures(rows, rows)
    blame, hope, _ = figures.classes
    assert (hope.support, hope.predicted, hope.precision, hope.recall, hope.f1) == (0, 0, 0, 0, 0)
    assert (blame.f1, figures.macro_f1) == (1.0, 1.0)


@pytest.mark.parametrize("num_rows", [2, 40])
@pytest.mark.parametrize("is_right", [True, False])
def test_labels_that_are_all_right_or_all_wrong_are_no_proof_of_an_f1_of_1_or_0(
    num_rows: int, is_right: bool
) -> None:
    """Rows without labels, of which none is said, count in no F1."""
    truth = [("praise",)] * num_rows + [()] * 5
    said = truth if is_right else [("blame",)] * num_rows + [()] * 5
    figures, share = labels_figures(truth, said), float(is_right)
    assert (figures.micro_f1, figures.macro_f1) == (share, share)
    expected = wilson_interval(share, num_rows)
    for found in (figures.micro_f1_ci95, figures.macro_f1_ci95):
        assert found == (expected.low, expected.high) and expected.high - expected.low > 0.05
    of_all = wilson_interval(1.0, num_rows + 5)
    if is_right:
        assert figures.exact_match_ci95 == (of_all.low, of_all.high)


def test_where_some_labels_are_wrong_the_interval_is_the_bootstraps() -> None:
    truth = [("praise",), ("blame",)] * 20
    figures = labels_figures(truth, [*truth[:30], *[()] * 10])
    low, high = figures.micro_f1_ci95
    assert figures.micro_f1 == pytest.approx(60 / 70)
    assert 0.7 < low < figures.micro_f1 < high < 0.95


@pytest.mark.parametrize("num_rows", [2, 40])
def test_spans_that_are_all_right_are_no_proof_of_an_f1_of_1(num_rows: int) -> None:
    truth: list[tuple[Span, ...]] = [(Span(4, 8, "praise"),)] * num_rows + [()] * 5
    figures = span_figures("the good film", truth, truth)
    assert figures.span_f1 == figures.precision == figures.recall == figures.macro_f1 == 1.0
    expected, of_all = wilson_interval(1.0, num_rows), wilson_interval(1.0, num_rows + 5)
    for found in (figures.span_f1_ci95, figures.precision_ci95, figures.recall_ci95, figures.macro_f1_ci95):
        assert found == (expected.low, expected.high)
    for found in (figures.exact_match_ci95, figures.token_accuracy_ci95):
        assert found == (of_all.low, of_all.high)


def test_spans_of_which_none_is_found_may_be_found_elsewhere() -> None:
    truth: list[tuple[Span, ...]] = [(Span(4, 8, "praise"),)] * 3 + [()] * 5
    figures = span_figures("the good film", truth, [()] * 8)
    expected = wilson_interval(0.0, 3)
    assert figures.span_f1_ci95 == figures.recall_ci95 == (expected.low, expected.high)
    assert 0.3 < figures.span_f1_ci95[1] < 0.7


def test_a_span_that_begins_in_the_white_space_before_the_first_word_can_never_be_equalled() -> None:
    truth = [(Span(0, 5, "praise"),), (Span(1, 5, "praise"),)]
    figures = span_figures(" good film", truth, [(Span(1, 5, "praise"),)] * 2)
    assert (figures.recall, figures.num_cut) == (0.5, 1)


def test_figures_of_spans_are_those_counted_one_by_one() -> None:
    """Wrong boundaries, a wrong label, one found twice in two halves, one over another: none counts."""
    text = "the good film was not very bad"
    truth = [
        (Span(0, 8, "praise"), Span(18, 30, "blame")),
        (Span(4, 8, "praise"),),
        (Span(9, 13, "hope"),),
        (),
    ]
    said = [
        (Span(0, 3, "praise"), Span(4, 8, "praise"), Span(18, 30, "blame")),
        (Span(4, 13, "praise"),),
        (Span(9, 13, "blame"),),
        (Span(0, 3, "hope"),),
    ]
    figures = span_figures(text, truth, said)
    assert (figures.num_spans, figures.num_predicted) == (4, 6)
    assert (figures.precision, figures.recall) == (1 / 6, 1 / 4)
    assert figures.span_f1 == pytest.approx(2 / 10)
    by_label = {one.label: (one.support, one.predicted, one.f1) for one in figures.classes}
    assert by_label == {"blame": (1, 2, pytest.approx(2 / 3)), "hope": (1, 1, 0), "praise": (2, 3, 0)}
    assert figures.macro_f1 == pytest.approx(2 / 9)
    assert [mistake.row for mistake in figures.mistakes] == [0, 1, 2, 3]
    assert figures.exact_match == 0


def test_a_suggestion_for_a_row_that_is_too_long_keeps_what_was_not_read() -> None:
    """Whoever takes it would else lose the marks behind the end of what was read."""
    text = "the good film was not very bad"
    seen, across, unread = Span(4, 8, "blame"), Span(9, 17, "hope"), Span(27, 30, "blame")
    answered = Span(0, 8, "praise")
    [mistake] = span_figures(text, [(seen, unread)], [(answered,)], max_tokens=5).mistakes
    assert (mistake.predicted, mistake.suggested) == ((answered,), (answered, unread))
    figures = span_figures(text, [(across, unread)], [(Span(4, 13, "praise"),)], max_tokens=5)
    assert figures.mistakes[0].suggested == (across, unread), "not over one that goes on behind the end"
    whole = span_figures(text, [(seen, unread)], [(answered,)]).mistakes[0]
    assert whole.predicted == whole.suggested == (answered,)


def test_so_do_the_suggestions_for_rows_that_look_wrong() -> None:
    text, kind = "the good film was not very bad", TokenClassificationTraining(LABELS)
    unread, praise = Span(27, 30, "blame"), Span(4, 8, "praise")
    rows = [LabelledRow(1, text, spans=(praise,)), LabelledRow(2, text, spans=(Span(4, 8, "hope"), unread))]
    encoded = TOKENIZER.encode([text] * 2, 5, with_words=True)
    outputs = span_outputs([replace(row, spans=(praise,)) for row in rows], encoded)
    [suspect] = kind.suspects(rows, encoded, outputs, FITTED).suspects
    assert (suspect.row, suspect.suggested) == (2, (praise, unread))
