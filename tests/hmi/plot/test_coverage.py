"""Held-out coverage is the ladder's, counted by hand."""

import numpy as np

from hmi.plot.coverage import measure_coverage
from hmi.plot.ngram import Documents
from tests.hmi.plot.worlds import World, tables_of


def pack(*texts: list[int]) -> Documents:
    return Documents.pack([np.array(text, np.int32) for text in texts])


def test_each_token_counts_at_the_rung_that_answers_it() -> None:
    counted = pack([1, 2, 3], [1, 2, 3], [1, 2, 4], [4, 2, 1])
    # ^1 2: seen three times; 1 2 3: twice; 2 3 $: twice; then 4 (never first twice) and 9 (never)
    coverage = measure_coverage([counted], [pack([1, 2, 3]), pack([3, 2, 9])], above=(), num_texts=2)
    assert (coverage.trigram, coverage.bigram, coverage.unigram) == (3 / 6, 0, 3 / 6)
    assert (coverage.num_texts, coverage.num_tokens) == (2, 6)
    assert "nine tenths" in coverage.measured_on


def test_a_bigram_on_either_side_counts() -> None:
    counted = pack([1, 2], [1, 2], [3, 2], [3, 2])
    coverage = measure_coverage([counted], [pack([1, 2, 4])], above=(), num_texts=1)
    assert coverage.trigram == 1 / 3  # ^ 1 2
    assert coverage.bigram == 1 / 3  # 1 2
    assert coverage.unigram == 1 / 3


def test_nodes_above_answer_too() -> None:
    world = World((), ((),), np.ones((5, 3), np.float32))
    none: list[Documents] = []
    coverage = measure_coverage(none, [pack([1, 2])], above=tables_of(world), num_texts=1)
    assert (coverage.trigram, coverage.bigram, coverage.unigram) == (0, 0, 1)


def test_without_text_nothing_is_claimed() -> None:
    coverage = measure_coverage([], [], above=(), num_texts=0)
    assert (coverage.trigram, coverage.bigram, coverage.unigram) == (0, 0, 0)
    assert coverage.measured_on.startswith("nothing")
