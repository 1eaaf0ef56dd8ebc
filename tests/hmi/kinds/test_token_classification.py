"""Spans are read from the outputs of tokens, word by word; no torch."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.kinds.token_classification import ScoreMap, best_tags, runs_of, span_probabilities, spans_in

LABELS = ("date", "name")
OUT, B_DATE, I_DATE, B_NAME, I_NAME = range(5)
# "on 5 may Bob": may is of two tokens
WORDS = np.array([(0, 0), (0, 2), (3, 4), (5, 8), (5, 8), (9, 12), (0, 0)], np.int32)


def outputs(*tags: int, sure: float = 20.0) -> npt.NDArray[np.float32]:
    """Tokens that are sure of ``tags``."""
    logits = np.zeros((len(tags), 5), np.float32)
    logits[np.arange(len(tags)), tags] = sure
    return logits


def test_a_span_goes_from_its_first_word_to_its_last() -> None:
    found = spans_in(outputs(B_NAME, OUT, B_DATE, I_DATE, I_DATE, B_NAME, I_NAME), WORDS, LABELS, 0.0)
    assert [(span.start, span.end, span.label) for span in found] == [(3, 8, "date"), (9, 12, "name")]
    assert [span.score for span in found] == pytest.approx([1.0, 1.0], abs=1e-6)


def test_the_tokens_of_a_word_decide_together() -> None:
    logits = outputs(OUT, OUT, OUT, B_DATE, OUT, OUT, OUT)
    logits[4, OUT] = 30.0  # the second token of the word outvotes the first
    assert spans_in(logits, WORDS, LABELS, 0.0) == []


def test_what_goes_on_has_begun() -> None:
    logits = outputs(OUT, I_DATE, I_DATE, OUT, OUT, I_NAME, OUT, sure=2.0)
    logits[1, B_DATE] = 1.5  # likelier than that nothing begins there
    logits[5, OUT] = 1.0  # likelier than that something does
    found = spans_in(logits, WORDS, LABELS, 0.0)
    assert [(span.start, span.end, span.label) for span in found] == [(0, 4, "date")]


def test_a_span_that_follows_one_of_its_label_at_once_costs_something() -> None:
    logits = outputs(OUT, OUT, B_DATE, B_DATE, B_DATE, OUT, OUT, sure=4.0)
    logits[3:5, I_DATE] = 3.0
    for cost, edges in ((0.0, [(3, 4), (5, 8)]), (2.0, [(3, 8)])):
        found = spans_in(logits, WORDS, LABELS, cost)
        assert [(span.start, span.end) for span in found] == edges
        assert all(span.score > 0.5 for span in found)


@given(st.integers(1, 4), st.integers(1, 2), st.sampled_from([0.0, 0.3, 2.0]), st.integers(0, 10_000))
def test_the_tags_are_the_likeliest_of_all_that_may_be(
    num_words: int, num_labels: int, cost: float, seed: int
) -> None:
    logits = np.random.default_rng(seed).normal(size=(num_words, 2 * num_labels + 1)).astype(np.float32)
    begins_text = np.random.default_rng(seed + 1).random(num_words) < 0.3
    begins_text[0] = True

    def worth(tags: tuple[int, ...]) -> float:
        total = float(logits[range(num_words), tags].sum(dtype=np.float64))
        for tag, before, begins in zip(tags, (OUT, *tags), begins_text.tolist(), strict=False):
            follows = tag != OUT and not begins and before != OUT and (before - 1) // 2 == (tag - 1) // 2
            if tag != OUT and tag % 2 == 0 and not follows:
                return -np.inf
            total -= cost * (tag % 2 == 1 and follows)
        return total

    expected = max(product(range(2 * num_labels + 1), repeat=num_words), key=worth)
    assert best_tags(logits, begins_text, cost).tolist() == list(expected)


def test_a_score_is_the_probability_of_the_span_as_it_is() -> None:
    logits = np.log(
        np.array([[1, 0, 0, 0, 0], [0.1, 0.6, 0.3, 0, 0], [0.2, 0, 0.8, 0, 0], [0.7, 0, 0.3, 0, 0]]) + 1e-9
    )
    words = np.array([(0, 0), (0, 2), (3, 4), (5, 8)], np.int32)
    [span] = spans_in(logits.astype(np.float32), words, LABELS, 0.0)
    assert (span.start, span.end) == (0, 4)
    assert span.score == pytest.approx((0.6 + 0.3) * 0.8 * (1 - 0.3), abs=1e-4)


def test_a_score_map_moves_the_scores_alone_and_keeps_their_order() -> None:
    logits = outputs(OUT, B_NAME, OUT, OUT, OUT, B_NAME, OUT, sure=3.0)
    logits[5, B_NAME] = 2.0
    plain = spans_in(logits, WORDS, LABELS, 0.0)
    mapped = spans_in(logits, WORDS, LABELS, 0.0, ScoreMap(0.5, -1.0))
    assert [(span.start, span.end, span.label) for span in mapped] == [
        (span.start, span.end, span.label) for span in plain
    ]
    for before, after in zip(plain, mapped, strict=True):
        odds = 0.5 * np.log(before.score / (1 - before.score)) - 1.0
        assert after.score == pytest.approx(1 / (1 + np.exp(-odds)))
    assert 0 < mapped[1].score < mapped[0].score < 1
    assert [span.score for span in spans_in(logits, WORDS, LABELS, 0.0, ScoreMap())] == pytest.approx(
        [span.score for span in plain]
    )


def test_a_span_has_the_same_probability_among_other_texts() -> None:
    chance = np.random.default_rng(3)
    logits = chance.normal(size=(40, 5)).astype(np.float32) * 2
    begins_text = np.zeros(40, np.bool_)
    begins_text[[0, 7, 8, 23]] = True
    runs = runs_of(best_tags(logits, begins_text, 0.7), begins_text)
    together = span_probabilities(logits, runs, begins_text, 0.7)
    alone = []
    for start, end in ((0, 7), (7, 8), (8, 23), (23, 40)):
        begins, some = begins_text[start:end], logits[start:end]
        alone += span_probabilities(some, runs_of(best_tags(some, begins, 0.7), begins), begins, 0.7).tolist()
    assert len(alone) > 10
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_a_text_without_words_has_no_spans() -> None:
    assert spans_in(np.zeros((2, 5), np.float32), np.zeros((2, 2), np.int32), LABELS, 0.0) == []


def test_no_span_goes_on_into_the_next_text() -> None:
    runs = runs_of(np.array([B_DATE, I_DATE, I_DATE]), np.array([True, False, True]))
    assert (runs.first.tolist(), runs.last.tolist()) == ([0, 2], [1, 2])
