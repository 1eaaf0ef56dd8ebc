"""Texts are cut so that their first window is what is read of them, and each counts once."""

from pathlib import Path

import numpy as np
import pytest

from hmi.base.errors import InvalidInput
from hmi.build.windows import BATCH_TOKENS, WindowBatches, Windowing, choose_texts, cut_texts
from hmi.model.tokenizer import Tokenizer
from hmi.plot.ngram import Documents
from hmi.plot.segment import text_hash, text_hashes
from tests.tiny.backbone import WORDS, make_tiny_checkpoint

TEXTS = ["the good film", "a great song and a great star and a great song", "", "win"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    folder: Path = tmp_path_factory.mktemp("tiny") / "checkpoint"
    return Tokenizer.open(make_tiny_checkpoint(folder) / "tokenizer.json")


def documents_of(documents: Documents) -> list[list[int]]:
    return [list(part) for part in np.split(documents.token_ids.tolist(), documents.offsets[1:-1])]


def test_the_first_window_is_the_text_as_it_is_read(tokenizer: Tokenizer) -> None:
    cut = cut_texts(tokenizer, TEXTS, Windowing(window_tokens=5, max_windows=3))
    windows = documents_of(cut.windows)
    read = documents_of(tokenizer.encode(TEXTS, 5).documents)
    assert [windows[start] for start in cut.window_offsets[:-1]] == read


def test_tokens_of_what_may_lead_to_somebody_are_marked(tokenizer: Tokenizer) -> None:
    text = "the good film jo@a.com was great and a song"
    cut = cut_texts(tokenizer, ["no song", text, "a win"], Windowing(window_tokens=8, max_windows=9))
    in_span = cut.windows.in_span
    assert in_span is not None
    marked = []
    for window in range(cut.windows.num_documents):
        here = slice(*cut.windows.offsets[window : window + 2])
        assert not in_span[here][[0, -1]].any()  # [CLS] and [SEP]
        if cut.window_offsets[1] <= window < cut.window_offsets[2]:
            marked += in_span[here][1:-1].tolist()
        else:
            assert not in_span[here].any()
    address = text.index("jo@a.com")
    places = tokenizer.spans(text)[1:-1]
    assert marked == [address <= start < address + len("jo@a.com") for start, _ in places]
    assert any(marked)
    assert cut_texts(tokenizer, ["no song"], Windowing()).windows.in_span is None


def test_batches_bring_the_marks_along(tokenizer: Tokenizer) -> None:
    texts = [f"the song of jo{number}@a.com was good " * 40 for number in range(40)]
    batches = list(WindowBatches(tokenizer, texts, text_hashes(texts), Windowing()))
    assert len(batches) > 1
    whole = cut_texts(tokenizer, texts, Windowing()).windows
    assert whole.in_span is not None
    found = [batch.in_span for batch in batches if batch.in_span is not None]
    assert np.array_equal(np.concatenate(found), whole.in_span)


def test_a_long_text_goes_on_in_the_next_windows_until_there_are_enough(tokenizer: Tokenizer) -> None:
    cut = cut_texts(tokenizer, TEXTS, Windowing(window_tokens=5, max_windows=3))
    assert np.diff(cut.window_offsets).tolist() == [1, 3, 1, 1]
    whole = documents_of(tokenizer.encode(TEXTS[1:2], 1000).documents)[0]
    windows = documents_of(cut.windows)[1:4]
    assert [token for window in windows for token in window[1:-1]] == whole[1:10]
    assert all((window[0], window[-1]) == (whole[0], whole[-1]) for window in windows)


def test_repeated_texts_and_those_of_a_node_above_are_counted_but_not_chosen() -> None:
    chosen = choose_texts(["a", "b", " a ", "c"], text_hashes(["c", "x"]))
    assert chosen.hashes.tolist() == [text_hash("a"), text_hash("b")]
    assert (chosen.num_texts, chosen.num_repeated, chosen.num_above) == (4, 1, 1)


def test_batches_hold_the_chosen_texts_once_and_can_be_walked_again(tokenizer: Tokenizer) -> None:
    texts = ["the film", "a song", "the film", "no"]
    batches = WindowBatches(tokenizer, texts, text_hashes(["no", "the film"]), Windowing())
    expected = documents_of(tokenizer.encode(["the film", "no"], 128).documents)
    for _ in range(2):
        assert [window for batch in batches for window in documents_of(batch)] == expected


def test_no_batch_has_more_tokens_than_the_bound_however_short_the_words(tokenizer: Tokenizer) -> None:
    words = WORDS[:12]
    texts = [f"{'a ' * 100}{first} {second}" for first in words for second in words]  # two characters a token
    batches = list(WindowBatches(tokenizer, texts, text_hashes(texts), Windowing()))
    whole = cut_texts(tokenizer, texts, Windowing()).windows
    assert BATCH_TOKENS < whole.num_tokens < 2 * BATCH_TOKENS
    assert len(batches) == 2
    assert all(batch.num_tokens <= BATCH_TOKENS for batch in batches)
    assert [window for batch in batches for window in documents_of(batch)] == documents_of(whole)


def test_windows_without_room_for_a_token_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at least three tokens"):
        Windowing(window_tokens=2)
    with pytest.raises(InvalidInput, match="at least one window"):
        Windowing(max_windows=0)
