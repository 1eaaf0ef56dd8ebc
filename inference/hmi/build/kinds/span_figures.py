"""What a report says of spans: a span that was found counts when its characters and its label are the true
ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.data import LabelledRow
from hmi.build.kinds.learning import Evaluated, Headline, Outputs
from hmi.build.metrics import (
    Indices,
    Probabilities,
    bootstrap_share,
    expected_calibration_error,
    f1_of,
)
from hmi.build.report import row_slices
from hmi.build.score_calibration import ScoreCalibration, reliability_bins
from hmi.build.slices import Slice
from hmi.kinds.token_classification import ScoreMap, spans_in, word_tokens
from hmi.model.tokenizer import EncodedTexts
from wire.inference import ScoredSpan
from wire.spans import Span

MAX_MISTAKES = 20

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelSpans:
    """One label's figures; precision, recall and f1 are 0 where they are not defined."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int  # true spans of it
    predicted: int  # spans of it that were found


@dataclass(frozen=True, slots=True)
class SpansMistake:
    """A test row with a span too many or too few."""

    row: int
    spans: tuple[Span, ...]
    predicted: tuple[Span, ...]
    suggested: tuple[Span, ...]  # as with_unread()


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """On the test rows, with 95% bootstrap intervals over rows. Spans that no answer can equal count as
    missed."""

    span_f1: float  # of all spans of all rows together
    span_f1_ci95: tuple[float, float]
    precision: float  # share of the spans found that are right
    precision_ci95: tuple[float, float]
    recall: float  # share of the true spans that are found
    recall_ci95: tuple[float, float]
    macro_f1: float  # mean over the labels of which there are spans
    macro_f1_ci95: tuple[float, float]
    exact_match: float  # share of rows with exactly their spans
    exact_match_ci95: tuple[float, float]
    token_accuracy: float  # share of the words that were read whose tag is right, most of which are outside
    token_accuracy_ci95: tuple[float, float]
    num_spans: int
    num_predicted: int
    num_cut: int  # true spans that begin or end inside what the tokenizer takes for one word
    num_not_read: int  # true spans behind the end of what was read of a long text
    labels: tuple[str, ...]
    classes: tuple[LabelSpans, ...]
    calibration: ScoreCalibration | None  # of the scores of the spans found; None: none was found
    score_map: ScoreMap  # what their probabilities under the temperature were made scores by
    mistakes: tuple[SpansMistake, ...]  # those with most wrong spans first
    slices: tuple[Slice, ...]  # by exact match

    @property
    def headline(self) -> Headline:
        return Headline("span_f1", self.span_f1, self.span_f1_ci95)


def span_figures(
    evaluated: Evaluated, *, labels: tuple[str, ...], words_right: Indices, words: Indices
) -> SpanFigures:
    """``words_right`` and ``words`` [rows]: words whose tag is right, and all that were read."""
    rows = _rows(evaluated, labels)
    is_exact = np.array([row.is_exact for row in rows])
    table = _table(rows, labels, is_exact, words_right, words)
    measured = {name: metric.measured(table, evaluated.seed) for name, metric in _METRICS.items()}
    reach = [_reach(row, evaluated.encoded, place) for place, row in enumerate(evaluated.rows)]
    return SpanFigures(
        span_f1=measured["span_f1"][0],
        span_f1_ci95=measured["span_f1"][1],
        precision=measured["precision"][0],
        precision_ci95=measured["precision"][1],
        recall=measured["recall"][0],
        recall_ci95=measured["recall"][1],
        macro_f1=measured["macro_f1"][0],
        macro_f1_ci95=measured["macro_f1"][1],
        exact_match=measured["exact_match"][0],
        exact_match_ci95=measured["exact_match"][1],
        token_accuracy=measured["token_accuracy"][0],
        token_accuracy_ci95=measured["token_accuracy"][1],
        num_spans=sum(len(row.truth) for row in rows),
        num_predicted=sum(len(row.said) for row in rows),
        num_cut=sum(one.num_cut for one in reach),
        num_not_read=sum(one.num_not_read for one in reach),
        labels=labels,
        classes=_classes(_Sums(table.sum(axis=0)), labels),
        calibration=_calibration(evaluated, rows, labels),
        score_map=evaluated.fitted.score_map,
        mistakes=_mistakes(rows, reach),
        slices=row_slices(
            is_exact,
            characters=[len(row.text) for row in evaluated.rows],
            row_coverage=evaluated.row_coverage,
            seed=evaluated.seed,
        ),
    )


def span_f1(evaluated: Evaluated, labels: Sequence[str]) -> float:
    """As SpanFigures.span_f1."""
    rows = _rows(evaluated, labels)
    hits = sum(len(row.hits) for row in rows)
    return f1_of(hits, sum(len(row.said) for row in rows), sum(len(row.truth) for row in rows))


class _Row:
    """One test row with what is found in it."""

    def __init__(self, row: LabelledRow, found: Sequence[ScoredSpan]) -> None:
        self.number = row.row
        self.truth = row.spans or ()
        self.scores = [span.score for span in found]
        self.said = tuple(Span(span.start, span.end, span.label) for span in found)
        self.is_right = [span in self.truth for span in self.said]

    @property
    def hits(self) -> list[Span]:
        return [span for span, is_right in zip(self.said, self.is_right, strict=True) if is_right]

    @property
    def is_exact(self) -> bool:
        return self.truth == self.said

    @property
    def num_wrong(self) -> int:
        """Spans that are missed, and spans that are none."""
        return len(self.truth) + len(self.said) - 2 * sum(self.is_right)


def _rows(evaluated: Evaluated, labels: Sequence[str]) -> list[_Row]:
    found = _found(evaluated, labels, evaluated.fitted.score_map)
    return [_Row(row, spans) for row, spans in zip(evaluated.rows, found, strict=True)]


def _found(
    evaluated: Evaluated, labels: Sequence[str], score_map: ScoreMap, sharpness: float = 1.0
) -> list[list[ScoredSpan]]:
    """What each row is answered; ``sharpness`` is multiplied into the outputs."""
    encoded, found = evaluated.encoded, []
    outputs: Outputs = evaluated.outputs * np.float32(sharpness)
    offsets = encoded.documents.offsets
    for place in range(len(evaluated.rows)):
        words = encoded.words_of(place)
        assert words is not None, "texts of this kind are encoded with their words"
        of_row = outputs[offsets[place] : offsets[place + 1]]
        found.append(spans_in(of_row, words, labels, evaluated.fitted.adjacent_cost, score_map))
    return found


def _table(
    rows: Sequence[_Row],
    labels: Sequence[str],
    is_exact: npt.NDArray[np.bool_],
    words_right: Indices,
    words: Indices,
) -> Counts:
    """[rows, columns]: what each row adds to the sums of which _Sums makes figures."""
    return np.column_stack(
        (
            _counted([row.hits for row in rows], labels),
            _counted([row.said for row in rows], labels),
            _counted([row.truth for row in rows], labels),
            is_exact,
            np.ones(len(rows)),
            words_right,
            words,
        )
    )


def _counted(spans: Sequence[Sequence[Span]], labels: Sequence[str]) -> Counts:
    """[rows, labels]: how many each row has of each label."""
    places = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(spans), len(labels)))
    for row, of_row in enumerate(spans):
        for span in of_row:
            counts[row, places[span.label]] += 1
    return counts


class _Sums:
    """The table's columns, summed over some rows."""

    def __init__(self, sums: Counts) -> None:
        self.hits, self.given, self.support = sums[:-4].reshape(3, -1)
        self.num_exact, self.num_rows, self.words_right, self.words = sums[-4:].tolist()

    @property
    def f1(self) -> Counts:
        """Of each label; 0 where there are none and none is found."""
        return _ratio(2 * self.hits, self.given + self.support)

    @property
    def num_spans(self) -> float:
        """Found or true."""
        return float(self.given.sum() + self.support.sum())

    @property
    def micro_f1(self) -> float:
        return f1_of(float(self.hits.sum()), float(self.given.sum()), float(self.support.sum()))

    @property
    def macro_f1(self) -> float:
        there = self.support > 0
        return float(self.f1[there].mean()) if there.any() else 1.0


@dataclass(frozen=True, slots=True)
class _Metric:
    """One figure of some rows; a row can say nothing good or bad of it where ``out_of`` is 0."""

    value: Callable[[_Sums], float]
    out_of: Callable[[_Sums], float]

    def measured(self, table: Counts, seed: int) -> tuple[float, tuple[float, float]]:
        """Of all rows of ``table`` [rows, columns], with its bootstrap interval over them."""

        def of_drawn(drawn: Indices) -> float:
            return self.value(_Sums(np.bincount(drawn, minlength=len(table)) @ table))

        counts = np.array([self.out_of(_Sums(row)) > 0 for row in table])
        interval = bootstrap_share(of_drawn, counts, seed=seed)
        return self.value(_Sums(table.sum(axis=0))), (interval.low, interval.high)


_METRICS = {
    "span_f1": _Metric(lambda sums: sums.micro_f1, lambda sums: sums.num_spans),
    "precision": _Metric(
        lambda sums: float(sums.hits.sum() / max(sums.given.sum(), 1)), lambda sums: float(sums.given.sum())
    ),
    "recall": _Metric(
        lambda sums: float(sums.hits.sum() / max(sums.support.sum(), 1)),
        lambda sums: float(sums.support.sum()),
    ),
    "macro_f1": _Metric(lambda sums: sums.macro_f1, lambda sums: sums.num_spans),
    "exact_match": _Metric(lambda sums: sums.num_exact / sums.num_rows, lambda sums: sums.num_rows),
    "token_accuracy": _Metric(lambda sums: sums.words_right / max(sums.words, 1), lambda sums: sums.words),
}


def _classes(sums: _Sums, labels: Sequence[str]) -> tuple[LabelSpans, ...]:
    precision, recall = _ratio(sums.hits, sums.given), _ratio(sums.hits, sums.support)
    return tuple(
        LabelSpans(
            label,
            precision=float(precision[place]),
            recall=float(recall[place]),
            f1=float(sums.f1[place]),
            support=int(sums.support[place]),
            predicted=int(sums.given[place]),
        )
        for place, label in enumerate(labels)
    )


def _calibration(
    evaluated: Evaluated, rows: Sequence[_Row], labels: Sequence[str]
) -> ScoreCalibration | None:
    """Is a span of score 0.8 right in 8 of 10 cases? None where no span was found."""
    temperature = evaluated.fitted.temperature
    raw = _found(evaluated, labels, ScoreMap(), sharpness=temperature)
    plain = [_Row(row, found) for row, found in zip(evaluated.rows, raw, strict=True)]
    scores, wrong = _judged(rows)
    scores_before, wrong_before = _judged(plain)
    if not len(wrong) or not len(wrong_before):
        return None
    return ScoreCalibration(
        temperature=temperature,
        ece_before=expected_calibration_error(scores_before, wrong_before),
        ece=expected_calibration_error(scores, wrong),
        bins_before=reliability_bins(scores_before, wrong_before),
        bins=reliability_bins(scores, wrong),
    )


def _judged(rows: Sequence[_Row]) -> tuple[Probabilities, Indices]:
    """Scores [spans, 1], and 0 for each span that is right, so that its column is the true one; else 1."""
    scores = np.array([score for row in rows for score in row.scores], np.float32)
    wrong = np.array([not is_right for row in rows for is_right in row.is_right], np.int64)
    return scores[:, None], wrong


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far one row was read, and its true spans that no answer can equal."""

    read_to: int  # a character
    num_cut: int
    num_not_read: int


def _mistakes(rows: Sequence[_Row], reach: Sequence[_Reach]) -> tuple[SpansMistake, ...]:
    both = zip(rows, reach, strict=True)
    wrong = sorted((pair for pair in both if pair[0].num_wrong), key=lambda pair: -pair[0].num_wrong)
    return tuple(
        SpansMistake(row.number, row.truth, row.said, with_unread(row.said, row.truth, of_row.read_to))
        for row, of_row in wrong[:MAX_MISTAKES]
    )


def with_unread(found: Sequence[Span], labelled: Sequence[Span], read_to: int) -> tuple[Span, ...]:
    """What a row's spans might be: those ``found``, and the ``labelled`` ones that end behind ``read_to``,
    where nothing was looked for. Both are in the order of the text."""
    unread = [span for span in labelled if span.end > read_to]
    before = min((span.start for span in unread), default=read_to)
    return (*(span for span in found if span.end <= before), *unread)


def read_to(text: str, encoded: EncodedTexts, place: int) -> int:
    """The character up to which a text was read, which stands at ``place``."""
    words = encoded.words_of(place)
    assert words is not None, "texts of this kind are encoded with their words"
    return int(words.max(initial=0)) if encoded.truncated[place] else len(text)


def _reach(row: LabelledRow, encoded: EncodedTexts, place: int) -> _Reach:
    words = encoded.words_of(place)
    assert words is not None, "texts of this kind are encoded with their words"
    of_words = words[word_tokens(words).tokens]
    starts, ends = set(of_words[:, 0].tolist()), set(of_words[:, 1].tolist())
    end = read_to(row.text, encoded, place)
    not_read = [span for span in row.spans or () if span.end > end]
    cut = [
        span
        for span in row.spans or ()
        if span.end <= end and not (span.start in starts and span.end in ends)
    ]
    return _Reach(end, len(cut), len(not_read))


def _ratio(numerator: Counts, denominator: Counts) -> Counts:
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
