"""Labelled spans of a text: a softmax over tags for every word, of which the spans are read.

A word is what the tokenizer takes for one: its tokens' outputs are averaged, so that no span ends inside it.

    tag 0          outside
    tag 2 l + 1    a span of label l begins
    tag 2 l + 2    a span of label l goes on

Of all rows of tags in which nothing goes on that did not begin, the likeliest one counts. (Measured: it gave
five points of F1 more than each word's likeliest tag, which breaks spans into pieces.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.kinds.labels import check_labels
from hmi.kinds.single_label import softmax
from wire.artifacts import AdapterFields
from wire.inference import ScoredSpan, SpansAnswer

OUTSIDE = 0

Outputs = npt.NDArray[np.float32]  # [tokens, tags]
Tags = npt.NDArray[np.int64]  # [words]


class TokenClassificationAnswers:
    """See KindAnswers."""

    reads_tokens = True
    has_pairs = False

    def num_outputs(self, labels: Sequence[str]) -> int:
        check_labels(labels, least=1)
        return 2 * len(labels) + 1

    def answer(
        self, outputs: Outputs, fields: AdapterFields, words: npt.NDArray[np.int32] | None
    ) -> SpansAnswer:
        assert words is not None, "a head that reads tokens is given their words"
        return SpansAnswer(spans_in(outputs, words, fields.labels))


def begin_tag(label: int) -> int:
    """Tag of the first word of a span of the ``label``-th label."""
    return 2 * label + 1


def inside_tag(label: int) -> int:
    """Tag of its other words."""
    return 2 * label + 2


@dataclass(frozen=True, slots=True)
class WordTokens:
    """Which rows of a head's outputs are the tokens of which word, of one text or of several."""

    tokens: npt.NDArray[np.int64]  # rows of the words' tokens, in order; special tokens are of no word
    first: npt.NDArray[np.int64]  # [words] place in ``tokens`` of each word's first one
    begins_text: npt.NDArray[np.bool_]  # [words]

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Tokens of each word, [words]."""
        return np.diff(self.first, append=len(self.tokens))

    def mean_of(self, outputs: Outputs) -> Outputs:
        """[words, tags]."""
        if not len(self.first):
            return np.zeros((0, outputs.shape[1]), np.float32)
        sums = np.add.reduceat(outputs[self.tokens], self.first, axis=0)
        means: Outputs = (sums / self.counts[:, None]).astype(np.float32)
        return means


def word_tokens(words: npt.NDArray[np.int32]) -> WordTokens:
    """Of one text, as EncodedTexts.words_of()."""
    tokens = np.flatnonzero(words[:, 1] > words[:, 0])
    first = np.flatnonzero((np.diff(words[tokens], axis=0, prepend=-1) != 0).any(axis=1))
    begins_text = np.zeros(len(first), np.bool_)
    begins_text[:1] = True
    return WordTokens(tokens, first, begins_text)


@dataclass(frozen=True, slots=True)
class Runs:
    """Spans in words, in their order."""

    labels: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]  # included


def runs_of(tags: Tags, begins_text: npt.NDArray[np.bool_]) -> Runs:
    """The spans that ``tags`` say; ``begins_text`` [words] is set where a text begins."""
    labels = (tags - 1) // 2  # outside: -1
    inside = tags != OUTSIDE
    goes_on = np.zeros(len(tags), np.bool_)  # the word is of the span that the one before is of
    goes_on[1:] = inside[1:] & (tags[1:] % 2 == 0) & (labels[1:] == labels[:-1]) & ~begins_text[1:]
    begins = inside & ~goes_on
    ends = inside & ~np.append(goes_on[1:], False)
    return Runs(labels[begins], np.flatnonzero(begins), np.flatnonzero(ends))


def best_tags(logits: Outputs, begins_text: npt.NDArray[np.bool_]) -> Tags:
    """The likeliest tags of words, [words, tags], with which a span goes on only where it has begun."""
    tags: Tags = logits.argmax(axis=1)
    before = np.concatenate(([OUTSIDE], tags[:-1]))
    before[begins_text] = OUTSIDE
    is_inside = (tags % 2 == 0) & (tags != OUTSIDE)
    is_wrong = is_inside & ((before - 1) // 2 != (tags - 1) // 2)
    if is_wrong.any():
        starts = np.flatnonzero(begins_text)
        ends = np.append(starts[1:], len(tags))
        for text in np.unique(np.searchsorted(starts, np.flatnonzero(is_wrong), side="right") - 1).tolist():
            tags[starts[text] : ends[text]] = _constrained(logits[starts[text] : ends[text]])
    return tags


def _constrained(logits: Outputs) -> Tags:
    """Of one text (Viterbi): an inside tag comes from its own label's tags, any other one from all."""
    outside, begin, inside = logits[:, 0], logits[:, 1::2], logits[:, 2::2]
    num_words, num_labels = begin.shape
    best = np.full(2 * num_labels + 1, -np.inf)  # of rows of tags that end with each
    best[0], best[1::2] = outside[0], begin[0]
    came_from = np.zeros((num_words, 2 * num_labels + 1), np.int64)
    own = np.arange(1, 2 * num_labels + 1, 2)
    for word in range(1, num_words):
        likeliest = int(best.argmax())
        goes_on = best[2::2] > best[1::2]
        came_from[word] = likeliest
        came_from[word, 2::2] = own + goes_on
        through = np.maximum(best[1::2], best[2::2])
        most = best[likeliest]
        best[0], best[1::2], best[2::2] = most + outside[word], most + begin[word], through + inside[word]
    tags = np.zeros(num_words, np.int64)
    tags[-1] = best.argmax()
    for word in range(num_words - 1, 0, -1):
        tags[word - 1] = came_from[word, tags[word]]
    return tags


def spans_in(outputs: Outputs, words: npt.NDArray[np.int32], labels: Sequence[str]) -> list[ScoredSpan]:
    """What one text is answered; ``words`` as EncodedTexts.words_of()."""
    of_words = word_tokens(words)
    places = words[of_words.tokens[of_words.first]]  # [words, 2] characters
    logits = of_words.mean_of(outputs)
    runs = runs_of(best_tags(logits, of_words.begins_text), of_words.begins_text)
    scores = _scores(softmax(logits), runs) if len(runs.labels) else []
    return [
        ScoredSpan(int(places[first, 0]), int(places[last, 1]), labels[label], score)
        for label, first, last, score in zip(
            runs.labels.tolist(), runs.first.tolist(), runs.last.tolist(), scores, strict=True
        )
    ]


def _scores(probabilities: npt.NDArray[np.float32], runs: Runs) -> list[float]:
    """Probability that each span is there as it is: begins, goes on to its last word, and not beyond it.

    ``probabilities`` is [words, tags], of one text.
    """
    scores: list[float] = []
    before = (-1, -1)  # label and last word of the span before
    for label, first, last in zip(runs.labels.tolist(), runs.first.tolist(), runs.last.tolist(), strict=True):
        begin, inside = begin_tag(label), inside_tag(label)
        score = probabilities[first, begin]
        if before != (label, first - 1):
            score += probabilities[first, inside]  # it would begin the span as well
        score *= probabilities[first + 1 : last + 1, inside].prod()
        if last + 1 < len(probabilities):
            score *= 1 - probabilities[last + 1, inside]
        scores.append(float(score))
        before = (label, last)
    return scores
