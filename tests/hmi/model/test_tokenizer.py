"""Texts become packed documents, cut where they are too long and never silently."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tokenizers import normalizers

from hmi.base.errors import BundleBroken, InvalidInput
from hmi.model.tokenizer import Tokenizer
from tests.tiny.backbone import tiny_tokenizer, tiny_vocabulary


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(tiny_tokenizer())


def test_it_frames_every_text_and_packs_them(tokenizer: Tokenizer) -> None:
    ids = tiny_vocabulary()
    encoded = tokenizer.encode(["Good film", "", "bad"], 16)
    expected = ["[CLS]", "good", "film", "[SEP]", "[CLS]", "[SEP]", "[CLS]", "bad", "[SEP]"]
    assert encoded.documents.token_ids.tolist() == [ids[piece] for piece in expected]
    assert encoded.documents.offsets.tolist() == [0, 4, 6, 9]
    assert encoded.num_tokens.tolist() == [4, 2, 3]
    assert not encoded.truncated.any()


def test_it_says_where_tokens_stand_in_the_text(tokenizer: Tokenizer) -> None:
    text = "😀 Good  FILM"
    spans = tokenizer.spans(text)
    assert len(spans) == tokenizer.encode([text], 16).num_tokens[0]
    assert (spans[0], spans[-1]) == ((0, 0), (0, 0))
    assert [text[start:end] for start, end in spans[-3:-1]] == ["Good", "FILM"]


def test_it_says_of_every_token_which_word_it_is_part_of(tokenizer: Tokenizer) -> None:
    text = "the xqz, Good"  # xqz: a word of three tokens
    encoded = tokenizer.encode([text, "bad", ""], 16, with_words=True)
    plain = tokenizer.encode([text, "bad", ""], 16)
    assert encoded.documents.token_ids.tolist() == plain.documents.token_ids.tolist()
    words = encoded.words_of(0)
    assert words is not None and plain.words is None
    assert words.tolist() == [[0, 0], [0, 3], [4, 7], [4, 7], [4, 7], [7, 8], [9, 13], [0, 0]]
    assert [encoded.words_of(place) is not None for place in (1, 2)] == [True, True]
    cut = tokenizer.encode([text], 4, with_words=True)
    assert cut.words is not None and cut.words.tolist() == [[0, 0], [0, 3], [4, 7], [0, 0]]


@pytest.mark.parametrize(
    "words",
    [
        ["cafe\u0301", "the\u0302\u0301", "film"],  # letters and accents apart, as some systems write them
        ["\u0928\u092e\u0938\u094d\u0924\u0947", "film"],  # Devanagari: the word ends with a vowel sign
        ["\u2764\ufe0f", "film", "\u65e5\ufe00", "e\u0301"],  # shown as an emoji; an ideograph's variant
    ],
)
def test_a_word_has_the_marks_on_its_last_letter(tokenizer: Tokenizer, words: list[str]) -> None:
    text = " ".join(words)
    encoded = tokenizer.encode([text, "bad"], 32, with_words=True)
    found = dict.fromkeys(map(tuple, encoded.words_of(0)[1:-1].tolist()))  # type: ignore[index]  # asked for
    assert [text[start:end] for start, end in found] == words


def test_marks_that_the_tokenizer_keeps_as_words_of_their_own_are_of_no_other() -> None:
    library = tiny_tokenizer()
    library.normalizer = normalizers.BertNormalizer(
        lowercase=False
    )  # ideographs stand apart from their marks
    text = "\u65e5\ufe00e\u0301"
    words = Tokenizer(library).encode([text], 32, with_words=True).words
    assert words is not None and words.tolist() == [[0, 0], [0, 1], [1, 4], [0, 0]]


def test_it_reports_the_texts_it_cuts_and_keeps_their_last_token(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode(["good " * 8, "good " * 9], 10)
    assert encoded.truncated.tolist() == [False, True]
    assert encoded.num_tokens.tolist() == [10, 10]
    assert encoded.documents.token_ids[[9, 19]].tolist() == [tokenizer.last_id] * 2


def test_a_text_cannot_write_control_tokens(tokenizer: Tokenizer) -> None:
    inner = tokenizer.encode(["good [SEP] [CLS] bad"], 64).documents.token_ids[1:-1]
    assert tokenizer.last_id not in inner
    assert tokenizer.first_id not in inner


def test_settings_left_in_the_file_do_not_count(tmp_path: Path) -> None:
    library = tiny_tokenizer()
    library.enable_truncation(max_length=4)
    library.enable_padding(length=12)
    library.save(str(tmp_path / "tokenizer.json"))
    encoded = Tokenizer.open(tmp_path / "tokenizer.json").encode(["good film of the new star"], 64)
    assert encoded.num_tokens.tolist() == [8]
    assert not encoded.truncated.any()


def test_no_text_is_an_empty_batch(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode([], 16).documents.offsets.tolist() == [0]


def test_threads_with_different_limits_do_not_disturb_each_other(tokenizer: Tokenizer) -> None:
    def lengths(limit: int) -> set[int]:
        return {int(tokenizer.encode(["good film " * 30], limit).num_tokens[0]) for _ in range(30)}

    limits = [4, 9, 17, 33]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lengths, limits)) == [{limit} for limit in limits]


def test_it_refuses_a_lone_surrogate(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInput, match="not valid Unicode"):
        tokenizer.encode(["good", "\ud800"], 16)


def test_it_refuses_a_limit_without_room_for_the_frame(tokenizer: Tokenizer) -> None:
    with pytest.raises(InvalidInput, match="max_tokens"):
        tokenizer.encode(["good"], 1)


def test_it_refuses_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(BundleBroken, match="not a tokenizer"):
        Tokenizer.open(tmp_path / "tokenizer.json")


def test_token_ids_are_what_look_ups_take(tokenizer: Tokenizer) -> None:
    documents = tokenizer.encode(["good"], 16).documents
    assert documents.token_ids.dtype == np.int32
    assert documents.offsets.dtype == np.int64
