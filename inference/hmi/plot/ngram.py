"""N-grams of packed documents as 64-bit keys."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from hmi.base.errors import InvalidInput

Keys = npt.NDArray[np.uint64]

WILDCARD = 0
"""Code of a neighbour that the rung does not look at."""
BOUNDARY = 1
"""Code of the place before a document's first and after its last token; never a token's code."""
FIRST_TOKEN = 2
"""Code of token id 0."""

CODE_BITS = 20
MAX_VOCAB_SIZE = (1 << CODE_BITS) - FIRST_TOKEN


class Rung(IntEnum):
    """The rungs of the centred ladder, from the most to the least specific; ``b`` is the centre token."""

    TRIGRAM = 0  # a b c
    LEFT = 1  # a b
    RIGHT = 2  # b c
    UNIGRAM = 3  # b


class Answer(IntEnum):
    """What answered a token: one rung, with its number, or both bigrams together (left + right - unigram)."""

    TRIGRAM = 0
    LEFT = 1
    RIGHT = 2
    UNIGRAM = 3
    BOTH_BIGRAMS = 4


@dataclass(frozen=True, slots=True)
class Documents:
    """Texts as token ids, one behind the other, [CLS] and [SEP] included: document d is
    ``token_ids[offsets[d]:offsets[d + 1]]``."""

    token_ids: npt.NDArray[np.int32]  # [num_tokens]
    offsets: npt.NDArray[np.int64]  # [num_documents + 1], from 0 to num_tokens, never falling

    def __post_init__(self) -> None:
        if self.token_ids.dtype != np.int32 or self.token_ids.ndim != 1:
            raise InvalidInput(f"token_ids must be int32 [num_tokens], got {self.token_ids.dtype}")
        if self.offsets.dtype != np.int64 or self.offsets.ndim != 1 or len(self.offsets) == 0:
            raise InvalidInput(f"offsets must be int64 [num_documents + 1], got {self.offsets.dtype}")
        if (
            self.offsets[0] != 0
            or self.offsets[-1] != len(self.token_ids)
            or np.any(np.diff(self.offsets) < 0)
        ):
            raise InvalidInput("offsets must rise from 0 to the number of tokens")

    @property
    def num_tokens(self) -> int:
        return len(self.token_ids)

    @property
    def num_documents(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:  # [num_documents]
        return np.diff(self.offsets)

    @classmethod
    def pack(cls, documents: "list[npt.NDArray[np.int32]]") -> "Documents":
        """Put separate documents one behind the other."""
        offsets = np.zeros(len(documents) + 1, np.int64)
        np.cumsum([len(document) for document in documents], out=offsets[1:])
        token_ids = np.concatenate(documents) if documents else np.zeros(0, np.int32)
        return cls(token_ids.astype(np.int32, copy=False), offsets)


class CentredScheme:
    """Keys of the n-grams round each token, for encoders.

    ::

        bits   63..60      59..40      39..20      19..0
               rung + 1    code of a   code of b   code of c       a, c: WILDCARD where the rung does not look

    No key is 0, and keys sort by rung first.
    """

    name = "centred"

    @staticmethod
    def keys(documents: Documents) -> Keys:
        """Keys [4, num_tokens] uint64, row by row as in Rung."""
        num_tokens = documents.num_tokens
        codes = np.full(num_tokens + 2, BOUNDARY, np.uint64)
        if num_tokens and (documents.token_ids.min() < 0 or documents.token_ids.max() >= MAX_VOCAB_SIZE):
            raise InvalidInput(f"token ids must be between 0 and {MAX_VOCAB_SIZE - 1}")
        codes[1:-1] = documents.token_ids.astype(np.uint64) + np.uint64(FIRST_TOKEN)
        left, centre, right = codes[:-2].copy(), codes[1:-1], codes[2:].copy()
        filled = documents.lengths > 0  # an empty document's offset is its neighbour's
        left[documents.offsets[:-1][filled]] = BOUNDARY
        right[documents.offsets[1:][filled] - 1] = BOUNDARY
        keys = np.empty((len(Rung), num_tokens), np.uint64)
        keys[Rung.TRIGRAM] = _pack(Rung.TRIGRAM, left, centre, right)
        keys[Rung.LEFT] = _pack(Rung.LEFT, left, centre, np.uint64(WILDCARD))
        keys[Rung.RIGHT] = _pack(Rung.RIGHT, np.uint64(WILDCARD), centre, right)
        keys[Rung.UNIGRAM] = unigram_keys(documents.token_ids)
        return keys


_CODE_MASK = np.uint64((1 << CODE_BITS) - 1)
_A_SHIFT, _B_SHIFT, _RUNG_SHIFT = np.uint64(2 * CODE_BITS), np.uint64(CODE_BITS), np.uint64(3 * CODE_BITS)


def unigram_keys(token_ids: npt.NDArray[np.int32]) -> Keys:
    """Keys of bare tokens, [num_tokens]."""
    return _pack(
        Rung.UNIGRAM,
        np.uint64(WILDCARD),
        token_ids.astype(np.uint64) + np.uint64(FIRST_TOKEN),
        np.uint64(WILDCARD),
    )


def rung_start(rung: int) -> np.uint64:
    """The smallest key that the rung can have; ``rung_start(rung + 1)`` ends its range."""
    return np.uint64((rung + 1) << (3 * CODE_BITS))


def rung_rows(keys: Keys, rung: Rung) -> slice:
    """Where the rung's keys stand among sorted ``keys``."""
    start, stop = np.searchsorted(keys, np.array([rung_start(rung), rung_start(rung + 1)], np.uint64))
    return slice(int(start), int(stop))


def rows_among(keys: Keys, known: Keys) -> npt.NDArray[np.int64]:
    """Where each key stands among the sorted ``known``, -1 where it does not; the shape of ``keys``."""
    if len(known) == 0:
        return np.full(keys.shape, -1)
    at = np.searchsorted(known, keys)
    at[at == len(known)] = 0
    return np.where(known[at] == keys, at, -1)


def shorter(trigram_or_bigram: Keys, rung: Rung) -> Keys:
    """Keys of the n-grams of ``rung`` inside those given: of trigrams the bigrams, of both the unigrams."""
    a = (trigram_or_bigram >> _A_SHIFT) & _CODE_MASK
    b = (trigram_or_bigram >> _B_SHIFT) & _CODE_MASK
    c = trigram_or_bigram & _CODE_MASK
    none = np.uint64(WILDCARD)
    return _pack(rung, a if rung == Rung.LEFT else none, b, c if rung == Rung.RIGHT else none)


def _pack(rung: Rung, a: "Keys | np.uint64", b: Keys, c: "Keys | np.uint64") -> Keys:
    return rung_start(rung) | (a << _A_SHIFT) | (b << _B_SHIFT) | c
