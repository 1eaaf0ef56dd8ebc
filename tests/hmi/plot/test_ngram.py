"""Keys name n-grams without clashes, and stay within documents."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.errors import InvalidInput
from hmi.plot import reference
from hmi.plot.ngram import (
    MAX_VOCAB_SIZE,
    CentredScheme,
    Documents,
    Rung,
    rows_among,
    rung_rows,
    rung_start,
    shorter,
    unigram_keys,
)

tokens = st.integers(0, 3) | st.integers(0, MAX_VOCAB_SIZE - 1)
texts = st.lists(st.lists(tokens, max_size=6), max_size=5)


def pack(texts: list[list[int]]) -> Documents:
    return Documents.pack([np.array(text, np.int32) for text in texts])


@given(texts=texts)
def test_two_tokens_have_the_same_key_when_and_only_when_their_n_grams_are_the_same(
    texts: list[list[int]],
) -> None:
    keys = CentredScheme.keys(pack(texts))
    names = [reference.grams(text, i) for text in texts for i in range(len(text))]
    all_keys = [int(keys[rung, i]) for rung in Rung for i in range(len(names))]
    all_names = [(rung, names[i][rung]) for rung in Rung for i in range(len(names))]
    assert 0 not in all_keys
    assert len(set(zip(all_keys, all_names, strict=True))) == len(set(all_keys)) == len(set(all_names))


@given(texts=texts)
def test_shorter_keys_are_those_of_the_same_token(texts: list[list[int]]) -> None:
    keys = CentredScheme.keys(pack(texts))
    for rung in (Rung.LEFT, Rung.RIGHT, Rung.UNIGRAM):
        np.testing.assert_array_equal(shorter(keys[Rung.TRIGRAM], rung), keys[rung])
    for rung in (Rung.LEFT, Rung.RIGHT):
        np.testing.assert_array_equal(shorter(keys[rung], Rung.UNIGRAM), keys[Rung.UNIGRAM])
    np.testing.assert_array_equal(unigram_keys(pack(texts).token_ids), keys[Rung.UNIGRAM])


@given(texts=texts)
def test_sorted_keys_stand_rung_by_rung(texts: list[list[int]]) -> None:
    keys = CentredScheme.keys(pack(texts))
    ordered = np.sort(keys.ravel())
    for rung in Rung:
        np.testing.assert_array_equal(ordered[rung_rows(ordered, rung)], np.sort(keys[rung]))
        assert np.all(keys[rung] >= rung_start(rung))


@given(known=st.sets(st.integers(1, 50)), wanted=st.lists(st.integers(1, 50)))
def test_rows_among_finds_what_is_there(known: set[int], wanted: list[int]) -> None:
    ordered = sorted(known)
    rows = rows_among(np.array(wanted, np.uint64), np.array(ordered, np.uint64))
    assert rows.tolist() == [ordered.index(key) if key in known else -1 for key in wanted]


@pytest.mark.parametrize("token", [-1, MAX_VOCAB_SIZE])
def test_token_ids_that_do_not_fit_are_refused(token: int) -> None:
    with pytest.raises(InvalidInput, match="token ids must be between"):
        CentredScheme.keys(pack([[1, token]]))


@pytest.mark.parametrize(
    ("token_ids", "offsets"),
    [
        (np.zeros(2, np.int64), np.array([0, 2], np.int64)),
        (np.zeros(2, np.int32), np.array([0, 2], np.int32)),
        (np.zeros(2, np.int32), np.array([], np.int64)),
        (np.zeros(2, np.int32), np.array([0, 1], np.int64)),
        (np.zeros(2, np.int32), np.array([1, 2], np.int64)),
        (np.zeros(2, np.int32), np.array([0, 2, 1, 2], np.int64)),
    ],
)
def test_documents_that_do_not_fit_together_are_refused(token_ids: np.ndarray, offsets: np.ndarray) -> None:
    with pytest.raises(InvalidInput):
        Documents(token_ids, offsets)
