"""The causal scheme, for decoders: the suffixes that end at a token, as chains of 64-bit keys."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hmi.base.errors import InvalidInput
from hmi.plot.counting import Keys, Run, Work, all_of, count_keys, joined, outside_of, run_of, unpacked
from hmi.plot.ngram import BOUNDARY, FIRST_TOKEN, CountedNgrams, Documents, MayStand, Part, Rows, rows_among

TOKEN_BITS, ID_BITS = 24, 32
MAX_VOCAB_SIZE = (1 << TOKEN_BITS) - FIRST_TOKEN
MAX_ORDER = 8
_NAME = "causal-"

_TOKEN_SHIFT, _LENGTH_SHIFT = np.uint64(TOKEN_BITS), np.uint64(TOKEN_BITS + ID_BITS)
_ID_MASK, _TOKEN_MASK = np.uint64((1 << ID_BITS) - 1), np.uint64((1 << TOKEN_BITS) - 1)


class CausalScheme:
    """Keys of the suffixes of 1 to ``order`` tokens that end at each token.

    ::

        suffix   x[t-m+1] x[t-m+2] .. x[t]        m tokens
        shorter           x[t-m+2] .. x[t]        its only part, and its back-off

        bits     63..56   55..24                     23..0
                 m        row of the shorter one     code of x[t-m+1]

    The first token of a document has one neighbour before it, BOUNDARY, and none before that. A shorter
    suffix's row is its place in the set, where the shorter ones stand first; so a key is good in its set
    alone. Going from one set to another keeps the order: keys that are numbered anew stay sorted.
    """

    has_global_keys = False

    def __init__(self, order: int) -> None:
        if not 1 <= order <= MAX_ORDER:
            raise InvalidInput(f"suffixes have 1 to {MAX_ORDER} tokens, not {order}")
        self.order = order

    @classmethod
    def named(cls, name: str) -> "CausalScheme | None":
        """The causal scheme of this name; None: it is another scheme's."""
        order = name.removeprefix(_NAME)
        return cls(int(order)) if name.startswith(_NAME) and order.isdigit() else None

    @property
    def name(self) -> str:
        return f"{_NAME}{self.order}"

    @property
    def rungs(self) -> tuple[str, ...]:
        return tuple(f"suffix_{length}" for length in range(self.order, 0, -1))

    def count(
        self,
        batches: Iterable[Documents],
        min_count: int,
        work: Work | None = None,
        may_stand: MayStand | None = None,
    ) -> CountedNgrams:
        """Walks the batches once for every length: a suffix is counted where the shorter one is kept."""
        kept: Run = np.zeros(0, np.uint64), np.zeros(0, np.int64)
        num_tokens = 0

        def of_length(length: int) -> Iterator[Run]:
            nonlocal num_tokens
            num_tokens = 0
            for documents in batches:
                num_tokens += documents.num_tokens
                shorter = _last(self._walk(documents, kept[0], length - 1), documents.num_tokens)
                of_suffixes, tokens = _chained(documents, shorter, length)
                yield run_of(of_suffixes, _touching(documents, length)[tokens])

        for length in range(1, self.order + 1):
            least = 1 if length == 1 else min_count

            def is_kept(run: Run, least: int = least) -> npt.NDArray[np.bool_]:
                often = all_of(run[1]) >= least
                return often if may_stand is None else often & may_stand(run[0], outside_of(run[1]), least)

            longer = count_keys(of_length(length), is_kept, work, f"of-length-{length}")
            kept = joined([kept, longer], work, f"kept-{length}")
        return CountedNgrams(kept[0], *unpacked(kept, work), num_tokens)

    def rows(self, documents: Documents, kept: Keys) -> Rows:
        found = np.full((self.order, documents.num_tokens), -1)
        for length, rows in enumerate(self._walk(documents, kept, self.order), start=1):
            found[self.order - length] = rows
        return found

    def token_keys(self, token_ids: npt.NDArray[np.int32]) -> Keys:
        return _packed(1, np.uint64(0), token_ids.astype(np.uint64) + np.uint64(FIRST_TOKEN))

    def rung_rows(self, kept: Keys, rung: int) -> slice:
        return _of_length(kept, self.order - rung)

    def parts(self, kept: Keys, chosen: "slice | Rows", rung: int) -> tuple[Part, ...]:
        if rung == self.order - 1:
            return ()
        return (Part(1, rung + 1, _shorter_rows(kept[chosen])),)

    def among(self, keys: Keys, known: Keys) -> Rows:
        rows = np.full(len(keys), -1)
        for length in range(1, self.order + 1):
            here = _of_length(keys, length)
            rows[here] = _found(_renumbered(keys[here], length, rows), known, length)
        return rows

    def union(self, sets: Sequence[Keys]) -> Keys:
        everything = np.zeros(0, np.uint64)
        places = [np.full(len(keys), -1) for keys in sets]
        for length in range(1, self.order + 1):
            here = [_of_length(keys, length) for keys in sets]
            anew = [
                _renumbered(keys[part], length, rows)
                for keys, part, rows in zip(sets, here, places, strict=True)
            ]
            of_length = np.unique(np.concatenate([np.zeros(0, np.uint64), *anew]))
            for part, keys, rows in zip(here, anew, places, strict=True):
                rows[part] = len(everything) + np.searchsorted(of_length, keys)
            everything = np.concatenate((everything, of_length))
        return everything

    def pruned(self, keys: Keys, chosen: Rows) -> Keys:
        places = np.full(len(keys), -1)
        places[chosen] = np.arange(len(chosen))
        kept = np.array(keys[chosen])
        for length in range(2, self.order + 1):
            here = _of_length(kept, length)
            kept[here] = _renumbered(kept[here], length, places)
        return kept

    def _walk(self, documents: Documents, kept: Keys, order: int) -> Iterator[Rows]:
        """Rows of the suffixes of each length, the shortest first, [num_tokens]; -1: not in ``kept``."""
        rows = np.zeros(documents.num_tokens, np.int64)
        for length in range(1, order + 1):
            keys, places = _chained(documents, rows, length)
            rows = np.full(documents.num_tokens, -1)
            rows[places] = _found(keys, kept, length)
            yield rows


def token_codes(documents: Documents) -> npt.NDArray[np.uint64]:
    """Codes of the tokens, [num_tokens]; raises InvalidInput for ids that have none."""
    if documents.num_tokens and (
        documents.token_ids.min() < 0 or documents.token_ids.max() >= MAX_VOCAB_SIZE
    ):
        raise InvalidInput(f"token ids must be between 0 and {MAX_VOCAB_SIZE - 1}")
    return documents.token_ids.astype(np.uint64) + np.uint64(FIRST_TOKEN)


def _chained(documents: Documents, shorter: Rows, length: int) -> tuple[Keys, Rows]:
    """Keys of the suffixes of one length whose ``shorter`` ones have rows [num_tokens], and their tokens."""
    codes = token_codes(documents)
    place = np.arange(documents.num_tokens) - np.repeat(documents.offsets[:-1], documents.lengths)
    back = length - 1
    tokens = np.flatnonzero((shorter >= 0) & (place >= back - 1))
    first = np.where(place[tokens] >= back, codes[tokens - back], np.uint64(BOUNDARY))
    ids = shorter[tokens].astype(np.uint64) if length > 1 else np.uint64(0)
    return _packed(length, ids, first), tokens


def _touching(documents: Documents, length: int) -> npt.NDArray[np.bool_]:
    """Of each token, has the suffix of this length that ends there a token that is in_span?"""
    if documents.in_span is None:
        return np.zeros(documents.num_tokens, np.bool_)
    before = np.concatenate(([0], np.cumsum(documents.in_span)))
    ends = np.arange(1, documents.num_tokens + 1)
    starts = np.maximum(ends - length, np.repeat(documents.offsets[:-1], documents.lengths))
    touching: npt.NDArray[np.bool_] = before[ends] > before[starts]
    return touching


def _last(rows: Iterator[Rows], num_tokens: int) -> Rows:
    """The rows of the longest suffixes of a walk; those of the empty suffix where it has no step."""
    last = np.zeros(num_tokens, np.int64)
    for last in rows:  # noqa: B007
        pass
    return last


def _found(keys: Keys, kept: Keys, length: int) -> Rows:
    """Rows of keys of one length; a key that was numbered by a row of -1 is found nowhere."""
    here = _of_length(kept, length)
    rows = rows_among(keys, kept[here])
    return np.where(rows >= 0, rows + here.start, -1)


def _renumbered(keys: Keys, length: int, rows: Rows) -> Keys:
    """Keys whose shorter suffixes now stand in ``rows``; 0, which is no key, where one stands nowhere."""
    if length == 1:
        return keys
    shorter = rows[_shorter_rows(keys)]
    anew = _packed(length, np.maximum(shorter, 0).astype(np.uint64), keys & _TOKEN_MASK)
    return np.where(shorter >= 0, anew, np.uint64(0))


def _shorter_rows(keys: Keys) -> Rows:
    return ((keys >> _TOKEN_SHIFT) & _ID_MASK).astype(np.int64)


def _of_length(keys: Keys, length: int) -> slice:
    bounds = np.array([length, length + 1], np.uint64) << _LENGTH_SHIFT
    start, stop = np.searchsorted(keys, bounds)
    return slice(int(start), int(stop))


def _packed(length: int, ids: "Keys | np.uint64", codes: Keys) -> Keys:
    return (np.uint64(length) << _LENGTH_SHIFT) | (ids << _TOKEN_SHIFT) | codes
