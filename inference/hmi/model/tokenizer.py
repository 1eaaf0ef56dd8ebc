"""Texts to packed token ids, by the backbone's own tokenizer.json; no torch."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from hmi.base.errors import BundleBroken, InvalidInput
from hmi.plot.ngram import Documents

MIN_TOKENS = 2  # [CLS] and [SEP]


Text = str | tuple[str, str]
"""One input: a text, or a pair of texts."""


@dataclass(frozen=True, slots=True)
class EncodedTexts:
    """Texts as the model reads them."""

    documents: Documents
    truncated: NDArray[np.bool_]  # [num_documents]; True: the text goes on after what stands in documents
    num_tokens: NDArray[np.int64]  # [num_documents], special ones included, as cut
    words: NDArray[np.int32] | None = None  # [all tokens, 2], where asked for: see words_of

    def words_of(self, document: int) -> NDArray[np.int32] | None:
        """[tokens, 2]: of each token of a document, the first character (code point) of the word that it is
        part of, and the one after the word's last; (0, 0) for special tokens. None: not asked for."""
        offsets = self.documents.offsets
        return None if self.words is None else self.words[offsets[document] : offsets[document + 1]]


def tokenise_on_the_calling_thread() -> None:
    """For a process whose cores are others': the library's own threads would wait for one, and the caller
    for them."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # read at every call


class Tokenizer:
    """Immutable and safe to share between threads; the library's own threads work on one call together,
    unless tokenise_on_the_calling_thread()."""

    def __init__(self, library: tokenizers.Tokenizer) -> None:
        library.no_truncation()
        library.no_padding()
        # A text that spells "[SEP]" is that text, never a control token.
        library.encode_special_tokens = True
        self._library = library
        ids = library.encode("").ids
        if len(ids) != MIN_TOKENS:
            raise BundleBroken(
                f"the tokenizer frames a text with {len(ids)} special tokens; [CLS] and [SEP] are needed"
            )
        self.first_id: int = ids[0]
        """[CLS]."""
        self.last_id: int = ids[1]
        """[SEP]."""

    @classmethod
    def open(cls, path: Path) -> "Tokenizer":
        """Read a tokenizer.json; raises BundleBroken when it is none."""
        try:
            library = tokenizers.Tokenizer.from_file(str(path))
        except Exception as exc:  # the library raises plain Exception
            raise BundleBroken(f"{path.name} is not a tokenizer: {exc}") from exc
        return cls(library)

    @property
    def vocab_size(self) -> int:
        return int(self._library.get_vocab_size(with_added_tokens=True))

    def pieces(self) -> list[str]:
        """The vocabulary, by token id; an id that names nothing is empty."""
        return [self._library.id_to_token(number) or "" for number in range(self.vocab_size)]

    def encode(self, texts: Sequence[Text], max_tokens: int, *, with_words: bool = False) -> EncodedTexts:
        """Every text as one document of 2 to ``max_tokens`` tokens, special ones included; a pair as one too,
        with a [SEP] in its middle. ``with_words`` is for single texts.

        Longer texts lose their end, never their [SEP], and are reported as truncated; of a pair the longer
        text does. Raises InvalidInput for a text that is not valid Unicode (a lone surrogate).
        """
        return self.encode_each([(texts, max_tokens)], with_words=with_words)[0]

    def encode_each(
        self, asked: Sequence[tuple[Sequence[Text], int]], *, with_words: bool = False
    ) -> list[EncodedTexts]:
        """As encode() of each (texts, ``max_tokens``) by itself, in one call of the library; raises
        InvalidInput when one of them is refused."""
        for _, max_tokens in asked:
            if max_tokens < MIN_TOKENS:
                raise InvalidInput(f"max_tokens is {max_tokens}, at least {MIN_TOKENS} are needed")
        try:
            encode = self._library.encode_batch if with_words else self._library.encode_batch_fast
            encodings = encode([text for texts, _ in asked for text in texts])
        except (TypeError, UnicodeError) as exc:
            raise InvalidInput("a text is not valid Unicode text") from exc
        packed, first = [], 0
        for texts, max_tokens in asked:
            last = first + len(texts)
            words = _cut_words(texts, encodings[first:last], max_tokens) if with_words else None
            packed.append(self._packed(encodings[first:last], max_tokens, words))
            first = last
        return packed

    def _packed(
        self, encodings: Sequence[tokenizers.Encoding], max_tokens: int, words: NDArray[np.int32] | None
    ) -> EncodedTexts:
        ids = [np.array(encoding.ids, np.int32) for encoding in encodings]
        lengths = np.array([len(document) for document in ids], np.int64)
        truncated = lengths > max_tokens
        for index in np.flatnonzero(truncated):
            ids[index] = self._cut(ids[index], max_tokens)
        documents = Documents.pack(ids)
        return EncodedTexts(documents, truncated, np.minimum(lengths, max_tokens), words)

    def spans(self, text: str) -> Sequence[tuple[int, int]]:
        """First character and the one after the last (code points) of every token that encode() gives, before
        it cuts; special tokens stand for none, (0, 0)."""
        spans: Sequence[tuple[int, int]] = self._library.encode(text).offsets
        return spans

    def _cut(self, ids: NDArray[np.int32], max_tokens: int) -> NDArray[np.int32]:
        middle = int(np.flatnonzero(ids == self.last_id)[0])
        if middle == len(ids) - 1:
            return np.append(ids[: max_tokens - 1], np.int32(self.last_id))
        first, second = ids[:middle], ids[middle + 1 : -1]  # [CLS] a, b
        room = max(max_tokens - 2, 1)  # for [CLS] a and b
        most = max(room - min(len(second), room // 2), room - len(second))
        first = first[:most]
        second = second[: room - len(first)]
        last = np.array([self.last_id], np.int32)
        return np.concatenate((first, last, second, last))


def _cut_words(
    texts: Sequence[Text], encodings: Sequence[tokenizers.Encoding], max_tokens: int
) -> NDArray[np.int32]:
    """EncodedTexts.words of single texts."""
    parts = [np.zeros((0, 2), np.int32)]
    for text, encoding in zip(texts, encodings, strict=True):
        assert isinstance(text, str), "words are told of single texts"
        words = _words(text, encoding)
        if len(words) > max_tokens:
            words = np.concatenate((words[: max_tokens - 1], words[-1:]))  # the last is [SEP]'s
        parts.append(words)
    return np.concatenate(parts)


def _words(text: str, encoding: tokenizers.Encoding) -> NDArray[np.int32]:
    spans = np.array(encoding.offsets, np.int32).reshape(-1, 2)
    numbers = np.array([-1 if number is None else number for number in encoding.word_ids], np.int64)
    first = np.flatnonzero(np.diff(numbers, prepend=-2))  # of each word, and of each special token
    lengths = np.diff(first, append=len(numbers))
    last = first + lengths - 1
    whole = np.stack((spans[first, 0], spans[last, 1]), axis=1)
    whole[numbers[first] < 0] = 0
    if not text.isascii():
        _take_marks(whole, text)
    return np.repeat(whole, lengths, axis=0)


def _take_marks(whole: NDArray[np.int32], text: str) -> None:
    """Let ``whole`` [words, 2] end behind the marks on their last letters (an accent, a vowel sign), which
    the tokenizer leaves out: half a letter would be no place that anybody marks."""
    starts = [*whole[1:, 0].tolist(), len(text)]
    for word, ((_, end), next_start) in enumerate(zip(whole.tolist(), starts, strict=True)):
        # Behind the last word there is [SEP], which stands at 0: nothing bounds the marks there.
        most = next_start if next_start >= end else len(text)
        stop = end
        while 0 < stop < most and unicodedata.category(text[stop]).startswith("M"):
            stop += 1
        whole[word, 1] = stop
