"""Numbers and addresses are known by their n-grams; too few tenants keep an n-gram out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.plot.ngram import CentredScheme, Documents, Rung, shorter
from hmi.plot.privacy import PersonalPieces, enough_tenants

PIECES = ["the", "film", "12", "##34", "2019", "@", ".", "com", "/", "https", ":", "a", "5", "-"]
PERSONAL = PersonalPieces(PIECES)


def trigram_marked(words: list[str]) -> bool:
    documents = Documents.pack([np.array([PIECES.index(word) for word in words], np.int32)])
    return bool(PERSONAL.marks(CentredScheme.keys(documents))[Rung.TRIGRAM, 1])


@pytest.mark.parametrize(
    ("words", "is_marked"),
    [
        (["the", "film", "a"], False),
        (["the", "12", "film"], False),
        (["the", "12", "##34"], True),
        (["12", "-", "5"], True),
        (["the", "2019", "film"], True),
        (["a", "@", "the"], True),
        (["film", ".", "com"], True),
        (["film", ".", "the"], False),
        ([":", "/", "/"], True),
        (["the", "https", ":"], True),
    ],
)
def test_it_knows_numbers_and_addresses(words: list[str], is_marked: bool) -> None:
    assert trigram_marked(words) is is_marked


@given(ids=st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=20))
def test_what_is_left_is_closed_under_shortening(ids: list[int]) -> None:
    keys = CentredScheme.keys(Documents.pack([np.array(ids, np.int32)]))
    marked = PERSONAL.marks(keys)
    for rung in (Rung.LEFT, Rung.RIGHT, Rung.UNIGRAM):
        parts = PERSONAL.marks(shorter(keys[Rung.TRIGRAM], rung))
        assert not np.any(parts & ~marked[Rung.TRIGRAM])


def test_outside_of_spans_a_token_stands_if_it_occurs_and_an_n_gram_if_often_enough() -> None:
    text = np.array([PIECES.index(word) for word in ("the", "film", "2019")], np.int32)
    keys = CentredScheme.keys(Documents.pack([text]))
    for rung, outside, may in (
        (Rung.UNIGRAM, [0, 1, 1], [False, True, True]),  # 2019 alone is a piece of the vocabulary
        (Rung.LEFT, [2, 1, 2], [True, False, False]),  # the last one has 2019 in it
    ):
        found = PERSONAL.may_stand(keys[rung], np.array(outside), 2)
        assert found.tolist() == may, rung


def test_a_tenant_counts_once_and_the_operators_text_is_enough() -> None:
    keys = np.array([1, 2, 3, 4], np.uint64)
    own = np.array([4], np.uint64)
    contributed = {
        "acme": [np.array([1, 2], np.uint64), np.array([2, 3], np.uint64)],
        "globex": [np.array([2], np.uint64)],
        None: [own],
    }
    assert enough_tenants(keys, contributed.items(), 2).tolist() == [False, True, False, True]
