"""N-grams of packed documents as 64-bit keys: the centred scheme, and what every scheme says."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hmi.base.errors import InvalidInput
from hmi.plot.counting import (
    Counts,
    Keys,
    Run,
    Work,
    all_of,
    count_keys,
    merged_blocks,
    outside_of,
    run_of,
    unpacked,
)
from hmi.plot.mapped import let_go

Rows = npt.NDArray[np.int64]

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
    in_span: npt.NDArray[np.bool_] | None = (
        None  # [num_tokens] part of an e-mail, a place on the web, a telephone number ...; None: none is
    )

    def __post_init__(self) -> None:
        if self.token_ids.dtype != np.int32 or self.token_ids.ndim != 1:
            raise InvalidInput(f"token_ids must be int32 [num_tokens], got {self.token_ids.dtype}")
        if self.offsets.dtype != np.int64 or self.offsets.ndim != 1 or len(self.offsets) == 0:
            raise InvalidInput(f"offsets must be int64 [num_documents + 1], got {self.offsets.dtype}")
        if (
            self.offsets[0] != 0
            or self.offsets[-1] != len(self.token_ids)
            or (self.offsets[1:] < self.offsets[:-1]).any()
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
        return self.offsets[1:] - self.offsets[:-1]

    @classmethod
    def pack(cls, documents: "list[npt.NDArray[np.int32]]") -> "Documents":
        """Put separate documents one behind the other."""
        offsets = np.array(list(accumulate(map(len, documents), initial=0)), np.int64)
        token_ids = np.concatenate(documents) if documents else np.zeros(0, np.int32)
        return cls(token_ids.astype(np.int32, copy=False), offsets)


@dataclass(frozen=True, slots=True)
class Part:
    """One term of a back-off: the rows of shorter n-grams, added or taken away."""

    sign: int
    rung: int
    rows: Rows


MayStand = Callable[[Keys, Counts, int], npt.NDArray[np.bool_]]
"""Which n-grams a segment may have [n], given their keys, how often they occur outside of Documents.in_span,
and the least count."""


@dataclass(frozen=True, slots=True)
class CountedNgrams:
    """A set of n-grams with how often they occur."""

    keys: Keys  # [n], sorted
    counts: npt.NDArray[np.uint32]  # [n]
    in_span: npt.NDArray[np.uint32] | None
    """[n] occurrences of which some token is Documents.in_span; None: no n-gram has one."""
    num_tokens: int


class NgramScheme(Protocol):
    """Which n-grams stand for a token, from the most to the least specific rung, and how they have keys.

    A set of n-grams is a sorted array of keys, and an n-gram's row is its place there; the set has every
    part of each of its n-grams. Keys are good within their set: another one may number the same n-grams
    otherwise, so sets are compared by ``among`` and put together by ``union``.
    """

    @property
    def name(self) -> str:
        """Written into segments and tables: what has another name does not fit together."""

    @property
    def rungs(self) -> tuple[str, ...]:
        """Names of the rungs; the last one is that of bare tokens."""

    @property
    def has_global_keys(self) -> bool:
        """Does a key name the same n-gram in every set? Then any part of a set can be compared by itself, and
        the last rung's keys are those of token_keys."""

    def count(
        self,
        batches: Iterable[Documents],
        min_count: int,
        work: Work | None = None,
        may_stand: MayStand | None = None,
    ) -> CountedNgrams:
        """The set to keep: all bare tokens, and the longer n-grams that occur at least ``min_count`` times;
        of them those that ``may_stand`` (None: all), which are closed under shortening. ``work`` as in
        count_keys: what is counted is mapped from files in its folder."""

    def rows(self, documents: Documents, kept: Keys) -> Rows:
        """Of each token's n-grams, [rungs, num_tokens]; -1 for one that is not in ``kept``."""

    def token_keys(self, token_ids: npt.NDArray[np.int32]) -> Keys:
        """Keys of bare tokens, [n], rising with their ids."""

    def rung_rows(self, kept: Keys, rung: int) -> slice:
        """Where a rung's n-grams stand."""

    def parts(self, kept: Keys, chosen: "slice | Rows", rung: int) -> tuple[Part, ...]:
        """What the ``chosen`` n-grams of a rung back off to, all in ``kept``; nothing for bare tokens."""

    def among(self, keys: Keys, known: Keys) -> Rows:
        """Rows in the set ``known`` of the n-grams of the set ``keys``; -1 where it has none."""

    def union(self, sets: Sequence[Keys]) -> Keys:
        """The set of all n-grams of ``sets``."""

    def pruned(self, keys: Keys, chosen: Rows) -> Keys:
        """The set of the ``chosen`` rows, which are sorted and have all their parts among them."""


class CentredScheme:
    """Keys of the n-grams round each token, for encoders.

    ::

        bits   63..60      59..40      39..20      19..0
               rung + 1    code of a   code of b   code of c       a, c: WILDCARD where the rung does not look

    No key is 0, and keys sort by rung first. A key names its n-gram in every set alike.
    """

    name = "centred"
    has_global_keys = True
    rungs = tuple(rung.name.lower() for rung in Rung)

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

    @staticmethod
    def touching(documents: Documents) -> npt.NDArray[np.bool_]:
        """Which of keys() have a token that is in_span, [4, num_tokens]."""
        touching = np.zeros((len(Rung), documents.num_tokens), np.bool_)
        if documents.in_span is None:
            return touching
        left, right = np.zeros((2, documents.num_tokens), np.bool_)
        left[1:], right[:-1] = documents.in_span[:-1], documents.in_span[1:]
        filled = documents.lengths > 0
        left[documents.offsets[:-1][filled]] = False
        right[documents.offsets[1:][filled] - 1] = False
        touching[:] = documents.in_span
        touching[[Rung.TRIGRAM, Rung.LEFT]] |= left
        touching[[Rung.TRIGRAM, Rung.RIGHT]] |= right
        return touching

    def count(
        self,
        batches: Iterable[Documents],
        min_count: int,
        work: Work | None = None,
        may_stand: MayStand | None = None,
    ) -> CountedNgrams:
        num_tokens = 0

        def all_runs() -> Iterable[Run]:
            nonlocal num_tokens
            for documents in batches:
                num_tokens += documents.num_tokens
                yield run_of(self.keys(documents), self.touching(documents))

        def is_kept(run: Run) -> npt.NDArray[np.bool_]:
            kept = (all_of(run[1]) >= min_count) | (run[0] >= rung_start(Rung.UNIGRAM))
            return kept if may_stand is None else kept & may_stand(run[0], outside_of(run[1]), min_count)

        run = count_keys(all_runs(), is_kept, work)
        return CountedNgrams(run[0], *unpacked(run, work), num_tokens)

    def rows(self, documents: Documents, kept: Keys) -> Rows:
        return rows_among(self.keys(documents), kept)

    def token_keys(self, token_ids: npt.NDArray[np.int32]) -> Keys:
        return unigram_keys(token_ids)

    def rung_rows(self, kept: Keys, rung: int) -> slice:
        return rung_rows(kept, rung)

    def parts(self, kept: Keys, chosen: "slice | Rows", rung: int) -> tuple[Part, ...]:
        keys = kept[chosen]

        def part(sign: int, needed: Rung) -> Part:
            return Part(sign, needed, np.searchsorted(kept, shorter(keys, needed)))

        if rung == Rung.TRIGRAM:
            return part(1, Rung.LEFT), part(1, Rung.RIGHT), part(-1, Rung.UNIGRAM)
        return () if rung == Rung.UNIGRAM else (part(1, Rung.UNIGRAM),)

    def among(self, keys: Keys, known: Keys) -> Rows:
        return rows_among(keys, known)

    def union(self, sets: Sequence[Keys]) -> Keys:
        runs = [(keys, np.broadcast_to(np.int64(0), keys.shape)) for keys in sets]
        blocks = [keys for keys, _ in merged_blocks(runs, max_keys=_BLOCK_KEYS)]
        return np.concatenate([np.zeros(0, np.uint64), *blocks])

    def pruned(self, keys: Keys, chosen: Rows) -> Keys:
        pruned = np.empty(len(chosen), np.uint64)
        for start in range(0, len(chosen), _CHOSEN_ROWS):
            pruned[start : start + _CHOSEN_ROWS] = keys[chosen[start : start + _CHOSEN_ROWS]]
            let_go(keys)
        return pruned


_BLOCK_KEYS, _CHOSEN_ROWS = 1 << 20, 1 << 15
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


def rung_rows(keys: Keys, rung: int) -> slice:
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
