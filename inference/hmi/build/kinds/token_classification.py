"""Training of tasks that find labelled spans of a text; what the report says of them is in span_figures."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow, rarest_labels
from hmi.build.kinds.class_weights import class_weights
from hmi.build.kinds.learning import (
    Evaluated,
    FittedHead,
    Outputs,
    Targets,
    imitation_loss,
)
from hmi.build.kinds.span_figures import SpanFigures, read_to, span_f1, span_figures, with_unread
from hmi.build.kinds.span_probe import SpanProbe
from hmi.build.kinds.span_suspects import JudgedSpans, SpanErrors, doubtful_rows, span_errors
from hmi.build.kinds.span_targets import IGNORED, PADDING, SPECIAL, read_targets
from hmi.build.linear_head import Features
from hmi.build.row_judge import MAX_SUSPECTS
from hmi.build.score_calibration import fit_score_map, fit_temperature
from hmi.kinds.token_classification import (
    OUTSIDE,
    Runs,
    Tags,
    begin_tag,
    inside_tag,
    span_probabilities,
    spans_in,
    word_tokens,
)
from hmi.model.heads import HostHead
from hmi.model.tokenizer import EncodedTexts
from wire.errors import ErrorCode
from wire.spans import Span

MAX_FITTED_WORDS = 20_000
"""A temperature is fitted on no more: they tell it well enough."""


class TokenClassificationTraining:
    """See TrainingKind."""

    has_one_label = False
    left_out: Mapping[str, str] = {
        "label_sets": "Places have no alternatives to choose from: each one's own score says how sure it is."
    }

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._places = {label: place for place, label in enumerate(labels)}

    def problem(self, row: LabelledRow) -> str | None:
        if row.spans is None:
            return "it has no list of spans"
        end = 0
        for span in row.spans:
            if not end <= span.start < span.end <= len(row.text):
                return "its spans are empty, out of order, over one another or outside the text"
            if span.label not in self._places:
                return "one of its labels is not one of the job's labels"
            end = span.end
        return None

    def strata(self, rows: Sequence[LabelledRow]) -> list[str]:
        return rarest_labels(rows)

    def refuse_hopeless(self, train: Sequence[LabelledRow]) -> None:
        if not any(row.spans for row in train):
            raise HmiError(
                ErrorCode.DATASET_ONE_LABEL, "no training row has a span; give texts that have some"
            )

    def targets(self, rows: Sequence[LabelledRow], encoded: EncodedTexts) -> Targets:
        lengths = encoded.documents.lengths
        targets = np.full((len(rows), int(lengths.max(initial=0)), 2), (IGNORED, PADDING), np.int16)
        for place, row in enumerate(rows):
            words = encoded.words_of(place)
            assert words is not None, "texts of this kind are encoded with their words"
            of_words = word_tokens(words)
            tags = self._tags(row.spans or (), words[of_words.tokens[of_words.first]])
            targets[place, : lengths[place], 1] = SPECIAL
            targets[place, of_words.tokens, 0] = np.repeat(tags, of_words.counts)
            targets[place, of_words.tokens, 1] = np.repeat(np.arange(len(tags)), of_words.counts)
        return targets

    def judge(self) -> None:
        """A linear head knows too little to doubt spans: see suspects."""

    def probe(self, features: Features, offsets: npt.NDArray[np.int64], targets: Targets) -> SpanProbe:
        return SpanProbe(2 * len(self._labels) + 1, features, offsets, targets)

    def learning(self, train: Targets, *, weighs_classes: bool | None = None) -> "TokenLearning":
        return TokenLearning(2 * len(self._labels) + 1, train, weighs_classes=weighs_classes is not False)

    def figures(self, evaluated: Evaluated) -> SpanFigures:
        read = read_targets(evaluated.targets)
        right = read.said_tags(evaluated.outputs, evaluated.fitted.adjacent_cost) == read.tags
        num_rows = len(evaluated.rows)
        return span_figures(
            evaluated,
            labels=self._labels,
            words_right=np.bincount(read.rows[right], minlength=num_rows),
            words=np.bincount(read.rows, minlength=num_rows),
        )

    def metric(self, evaluated: Evaluated) -> float:
        return span_f1(evaluated, self._labels)

    def suspects(
        self, rows: Sequence[LabelledRow], encoded: EncodedTexts, outputs: Outputs, fitted: FittedHead
    ) -> SpanErrors:
        """Rows whose spans the trained model contradicts."""
        read = read_targets(self.targets(rows, encoded))
        words, begins_text = read.of_words.mean_of(outputs), read.of_words.begins_text

        def judged(runs: Runs, others: Runs) -> JudgedSpans:
            probabilities = span_probabilities(words, runs, begins_text, fitted.adjacent_cost)
            return JudgedSpans(
                read.rows[runs.first], fitted.score_map(probabilities), read.is_in(runs, others)
            )

        said, truth = read.said(outputs, fitted.adjacent_cost), read.truth()
        doubts = doubtful_rows(judged(truth, said), judged(said, truth), len(rows))
        listed = [place for place, _ in doubts[:MAX_SUSPECTS]]
        offsets = encoded.documents.offsets
        return span_errors(
            doubts,
            rows=[row.row for row in rows],
            labelled=[row.spans or () for row in rows],
            found={
                place: with_unread(
                    self._found(outputs[offsets[place] : offsets[place + 1]], encoded, place, fitted),
                    rows[place].spans or (),
                    read_to(rows[place].text, encoded, place),
                )
                for place in listed
            },
        )

    def row_quality(self, outputs: Outputs, targets: Targets, fitted: FittedHead) -> npt.NDArray[np.float64]:
        """F1 of each row's spans, in words; 1 where there are none and none is found."""
        read = read_targets(targets)
        hits, given, support = read.row_counts(read.said(outputs, fitted.adjacent_cost)).T
        quality = np.ones(len(targets))
        np.divide(2.0 * hits, given + support, out=quality, where=given + support > 0)
        return quality

    def _found(
        self, outputs: Outputs, encoded: EncodedTexts, place: int, fitted: FittedHead
    ) -> tuple[Span, ...]:
        words = encoded.words_of(place)
        assert words is not None, "texts of this kind are encoded with their words"
        found = spans_in(outputs, words, self._labels, fitted.adjacent_cost, fitted.score_map)
        return tuple(Span(span.start, span.end, span.label) for span in found)

    def _tags(self, spans: Sequence[Span], places: npt.NDArray[np.int32]) -> Tags:
        """Tags of the words at the characters ``places`` [words, 2]; a word that a span cuts is of it."""
        tags = np.full(len(places), OUTSIDE, np.int64)
        free = 0  # the first word that no span before has taken
        for span in spans:
            first = max(free, int(np.searchsorted(places[:, 1], span.start, side="right")))
            free = max(free, int(np.searchsorted(places[:, 0], span.end, side="left")))
            label = self._places[span.label]
            tags[first:free] = inside_tag(label)
            tags[first : min(first + 1, free)] = begin_tag(label)
        return tags


class TokenLearning:
    """See Learning."""

    def __init__(self, num_tags: int, train: Targets, *, weighs_classes: bool) -> None:
        self.num_outputs = num_tags
        tags = train[..., 0]
        # Most words are outside: unweighted, it takes long until a first span is found. What is served has
        # the weights undone: weighted outputs see spans where there are none.
        of_words = tags[tags != IGNORED].astype(np.int64)
        weights = class_weights(of_words, num_tags) if weighs_classes else None
        self._weights = torch.ones(num_tags) if weights is None else weights
        self._adjacent_cost = read_targets(train).adjacent_cost

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        tags = _token_tags(targets)
        return functional.cross_entropy(outputs, tags, weight=self._weights, reduction="sum")

    def taught_loss(self, outputs: Tensor, taught: Tensor) -> Tensor:
        return imitation_loss(outputs, taught)

    def weight(self, targets: Tensor) -> float:
        tags = targets[..., 0][targets[..., 0] != IGNORED].long()
        return float(self._weights[tags].sum())

    def validation_loss(self, outputs: Tensor, targets: Tensor) -> float:
        return float(functional.cross_entropy(outputs - self._weights.log(), _token_tags(targets)))

    def metric(self, outputs: Outputs, targets: Targets) -> float:
        """F1 of the spans, in words; 1 where there are none and none is found."""
        read = read_targets(targets)
        said, truth = read.said(self._unweighted(outputs), self._adjacent_cost), read.truth()
        together = len(said.first) + len(truth.first)
        return 2 * int(read.is_in(said, truth).sum()) / together if together else 1.0

    def finish(self, head: HostHead, outputs: Outputs, targets: Targets) -> FittedHead:
        read = read_targets(targets)
        num_words = len(read.tags)
        some = np.unique(np.linspace(0, num_words - 1, min(num_words, MAX_FITTED_WORDS)).astype(np.int64))
        of_words = read.of_words.mean_of(self._unweighted(outputs))
        temperature = fit_temperature(of_words[some], read.tags[some])
        said = read.said(self._unweighted(outputs) / np.float32(temperature), self._adjacent_cost)
        probabilities = span_probabilities(
            of_words / np.float32(temperature), said, read.of_words.begins_text, self._adjacent_cost
        )
        return FittedHead(
            HostHead(head.weight, head.bias - self._weights.log()).at_temperature(temperature),
            temperature,
            adjacent_cost=self._adjacent_cost,
            score_map=fit_score_map(probabilities, read.is_in(said, read.truth())),
            metrics={"temperature": temperature},
        )

    def _unweighted(self, outputs: Outputs) -> Outputs:
        plain: Outputs = outputs - self._weights.log().numpy()
        return plain


def _token_tags(targets: Tensor) -> Tensor:
    """[tokens] of all rows, in the order of the outputs."""
    return targets[targets[..., 1] > PADDING][:, 0].long()
