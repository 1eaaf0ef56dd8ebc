"""Texts as they are counted: cut into windows that the lower layers see one at a time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hmi.base.errors import InvalidInput
from hmi.model.tokenizer import Tokenizer
from hmi.plot.ngram import Documents
from hmi.plot.segment import text_hash
from wire.personal_data import identifying_spans

BATCH_TOKENS = 8192
FRAME_TOKENS = 2  # [CLS] and [SEP]


@dataclass(frozen=True, slots=True)
class Windowing:
    """How a text is cut. Its first window is what is read of it when max_tokens is window_tokens."""

    window_tokens: int = 128  # [CLS] and [SEP] of every window included
    max_windows: int = 2  # what stands behind them is not counted

    def __post_init__(self) -> None:
        if self.window_tokens <= FRAME_TOKENS or self.max_windows < 1:
            raise InvalidInput("a window has at least three tokens, and a text at least one window")

    @property
    def max_tokens(self) -> int:
        """Of one text, its frame counted once."""
        return self.max_windows * (self.window_tokens - FRAME_TOKENS) + FRAME_TOKENS


@dataclass(frozen=True, slots=True)
class CutTexts:
    """Windows of some texts; text t has the windows window_offsets[t]..window_offsets[t + 1]."""

    windows: Documents
    window_offsets: npt.NDArray[np.int64]  # [num_texts + 1]


def cut_texts(tokenizer: Tokenizer, texts: Sequence[str], windowing: Windowing) -> CutTexts:
    """Every text as up to max_windows windows, each with its own [CLS] and [SEP]."""
    whole = tokenizer.encode(texts, windowing.max_tokens).documents
    first, last = np.int32(tokenizer.first_id), np.int32(tokenizer.last_id)
    step = windowing.window_tokens - FRAME_TOKENS
    windows: list[npt.NDArray[np.int32]] = []
    in_span: list[npt.NDArray[np.bool_]] = [np.zeros(0, np.bool_)]
    window_offsets = np.zeros(len(texts) + 1, np.int64)
    for text in range(len(texts)):
        body = whole.token_ids[whole.offsets[text] + 1 : whole.offsets[text + 1] - 1]
        is_in_span = _in_span(tokenizer, texts[text], len(body))
        for start in range(0, max(len(body), 1), step):
            windows.append(np.concatenate(([first], body[start : start + step], [last])).astype(np.int32))
            in_span.append(np.pad(is_in_span[start : start + step], 1))
        window_offsets[text + 1] = len(windows)
    packed = Documents.pack(windows)
    touched = np.concatenate(in_span)
    return CutTexts(replace(packed, in_span=touched) if touched.any() else packed, window_offsets)


def _in_span(tokenizer: Tokenizer, text: str, num_tokens: int) -> npt.NDArray[np.bool_]:
    """Which of a text's first tokens, [CLS] aside, are part of what may lead to somebody."""
    is_in_span = np.zeros(num_tokens, np.bool_)
    spans = identifying_spans(text)
    if spans:
        places = np.array(tokenizer.spans(text)[1 : num_tokens + 1], np.int64).reshape(-1, 2)
        for start, end in spans:
            is_in_span |= (places[:, 0] < end) & (places[:, 1] > start)
    return is_in_span


@dataclass(frozen=True, slots=True)
class ChosenTexts:
    """What became of the texts that were given."""

    num_texts: int
    hashes: npt.NDArray[np.uint64]  # of the texts that count, in their order
    num_repeated: int  # equal to one before
    num_above: int  # counted at a node above already


def choose_texts(texts: Iterable[str], above: npt.NDArray[np.uint64]) -> ChosenTexts:
    """Which texts count: each once, and none that a node above has counted. Takes some 40 bytes a text."""
    hashes = np.fromiter((text_hash(text) for text in texts), np.uint64)
    is_above = np.isin(hashes, above)
    below = hashes[~is_above]
    _, first = np.unique(below, return_index=True)
    chosen = below[np.sort(first)]
    num_above = int(is_above.sum())
    return ChosenTexts(len(hashes), chosen, len(below) - len(chosen), num_above)


class WindowBatches:
    """The windows of the chosen texts, in batches of at most BATCH_TOKENS tokens (one window at least), as
    often as it is walked; each walk reads the texts."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        texts: Iterable[str],
        chosen: npt.NDArray[np.uint64],
        windowing: Windowing,
    ) -> None:
        self._tokenizer, self._texts, self._windowing = tokenizer, texts, windowing
        self._chosen = np.sort(chosen)

    def __iter__(self) -> Iterator[Documents]:
        is_given = np.zeros(len(self._chosen), np.bool_)
        batch: list[str] = []
        num_characters = 0
        for text in self._texts:
            number = np.uint64(text_hash(text))
            at = int(np.searchsorted(self._chosen, number))
            if at == len(self._chosen) or self._chosen[at] != number or is_given[at]:
                continue
            is_given[at] = True
            batch.append(text)
            # A token has one character at least, and a text no more tokens than max_tokens.
            num_characters += min(len(text), 4 * self._windowing.max_tokens)
            if num_characters >= 4 * BATCH_TOKENS:
                yield from self._cut(batch)
                batch, num_characters = [], 0
        yield from self._cut(batch)

    def _cut(self, texts: Sequence[str]) -> Iterator[Documents]:
        """Text of short words, or of none, has up to four times the tokens that its characters promise: what
        the lower layers take for a batch must not depend on it."""
        windows = cut_texts(self._tokenizer, texts, self._windowing).windows
        first = 0
        while first < windows.num_documents:
            limit = windows.offsets[first] + BATCH_TOKENS
            stop = max(int(np.searchsorted(windows.offsets, limit, side="right")) - 1, first + 1)
            offsets = windows.offsets[first : stop + 1]
            tokens = slice(offsets[0], offsets[-1])
            in_span = None if windows.in_span is None else windows.in_span[tokens]
            yield Documents(windows.token_ids[tokens], offsets - offsets[0], in_span)
            first = stop
