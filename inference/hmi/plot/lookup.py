"""Looking a batch up in one call, tenants mixed: the nodes that serve lie in one flat arena of bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BudgetExceeded, BundleMismatch, InvalidInput
from hmi.plot import kernels
from hmi.plot.causal import CausalScheme, token_codes
from hmi.plot.ngram import Answer, CentredScheme, Documents, NgramScheme
from hmi.plot.table import PlotTable

_WORD = 8  # bytes; every part of a node begins at a multiple of it
_CENTRED_GROUPS: tuple[int, ...] = (0, 1, 1, 2, 1)  # by Answer: trigram, bigram, unigram
assert len(_CENTRED_GROUPS) == len(Answer)


@dataclass(frozen=True, slots=True)
class LookupResult:
    """What answered each token."""

    rung: npt.NDArray[np.uint8]  # [num_tokens] an Answer; of a causal scheme a rung
    node: npt.NDArray[np.uint8]  # [num_tokens] position in the document's path of the node that answered
    #                              (of both bigrams: the one nearer to the leaf)
    groups: tuple[int, ...] = _CENTRED_GROUPS  # which share of the coverage each rung belongs to

    def coverage(self, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Share of each document's tokens answered by trigram, bigram and unigram, [num_documents, 3]; of a
        causal scheme by each rung, [num_documents, rungs]."""
        num_groups = max(self.groups) + 1
        group = np.array(self.groups)[self.rung]
        before = np.zeros((len(group) + 1, num_groups), np.int64)
        np.cumsum(group[:, None] == np.arange(num_groups), axis=0, out=before[1:])
        return (before[offsets[1:]] - before[offsets[:-1]]) / np.maximum(np.diff(offsets), 1)[:, None]

    def covered_share(self, offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Share of each document's tokens answered by a trigram or a bigram, [num_documents]: what a
        coverage floor is compared with. [CLS] and [SEP] are tokens like any other."""
        before = np.concatenate(([0], np.cumsum(self.rung != Answer.UNIGRAM)))
        share: npt.NDArray[np.float64] = (before[offsets[1:]] - before[offsets[:-1]]) / np.maximum(
            np.diff(offsets), 1
        )
        return share


_Views = tuple[
    npt.NDArray[np.int64],
    npt.NDArray[np.uint64],
    npt.NDArray[np.uint32],
    npt.NDArray[np.float32],
    npt.NDArray[np.int8],
]
"""The nodes' descriptions, and the arena seen as words of 8, 4, 4 bytes and 1 byte."""
_Bytes = npt.NDArray[np.uint8]
_Paths = npt.NDArray[np.int32]
_Out = npt.NDArray[np.float32]


class _Ladder(Protocol):
    """How one scheme's n-grams are looked up."""

    groups: tuple[int, ...]

    def climb(
        self, documents: Documents, paths: _Paths, views: _Views, out: _Out, rung: _Bytes, position: _Bytes
    ) -> None: ...


class _CentredLadder:
    groups: tuple[int, ...] = _CENTRED_GROUPS

    def climb(
        self, documents: Documents, paths: _Paths, views: _Views, out: _Out, rung: _Bytes, position: _Bytes
    ) -> None:
        kernels.look_up(CentredScheme.keys(documents), documents.offsets, paths, *views, out, rung, position)


class _SuffixLadder:
    def __init__(self, order: int) -> None:
        self._order = order
        self.groups: tuple[int, ...] = tuple(range(order))

    def climb(
        self, documents: Documents, paths: _Paths, views: _Views, out: _Out, rung: _Bytes, position: _Bytes
    ) -> None:
        kernels.look_up_suffixes(
            token_codes(documents), documents.offsets, paths, *views, self._order, out, rung, position
        )


class PlotArena:
    """The nodes that can be looked up, all of one scheme, in memory that is reserved once.

    One thread adds and removes; look-ups may run meanwhile in others, as long as nobody removes a node that a
    running look-up's paths name. A large table is best added in three steps: begin, fill, which may run in
    another thread and takes nearly all of the time, and finish; until then no path may name the node.

    ::

        | node 0: slot keys | slot rows | row scales | dimension scales | codes | free | node 2: ... | free |
    """

    def __init__(self, capacity_bytes: int, hidden: int, scheme: NgramScheme | None = None) -> None:
        """``scheme``: None is the centred one."""
        self._scheme = scheme or CentredScheme()
        self._ladder: _Ladder = (
            _SuffixLadder(scheme.order) if isinstance(scheme, CausalScheme) else _CentredLadder()
        )
        self._words = np.empty(capacity_bytes // _WORD, np.uint64)
        self._hidden = hidden
        self._extents: dict[int, tuple[int, int]] = {}  # node -> first word, number of words
        self._unfinished: set[int] = set()  # nodes with a place, and not all in it yet
        self._nodes = np.zeros((0, kernels.NODE_COLUMNS), np.int64)

    @property
    def capacity_bytes(self) -> int:
        return self._words.nbytes

    @property
    def used_bytes(self) -> int:
        return sum(length for _, length in self._extents.values()) * _WORD

    @property
    def hidden(self) -> int:
        return self._hidden

    @staticmethod
    def bytes_of(table: PlotTable) -> int:
        """What a table takes in an arena."""
        return sum(_padded(array.nbytes) for array in _parts(table))

    def add(self, table: PlotTable) -> int:
        """Copy a table into the arena; the node's number, to be named in paths. See begin()."""
        node = self.begin(table)
        self.fill(node, table)
        self.finish(node, table)
        return node

    def begin(self, table: PlotTable) -> int:
        """A place for a table; the number that its node will have.

        Raises BudgetExceeded when no free stretch is long enough, and then changes nothing.
        """
        if table.hidden != self._hidden:
            raise BundleMismatch(f"table has rows of {table.hidden}, the arena of {self._hidden}")
        if table.fields.scheme != self._scheme.name:
            raise BundleMismatch(
                f"table has n-grams of {table.fields.scheme}, the arena of {self._scheme.name}"
            )
        needed = self.bytes_of(table)
        word = self._place(needed // _WORD)
        node = next(i for i in range(len(self._extents) + 1) if i not in self._extents)
        self._extents[node] = (word, needed // _WORD)
        self._unfinished.add(node)
        return node

    def fill(self, node: int, table: PlotTable) -> None:
        """Copy the table in. In any thread, which holds nobody up: numpy copies without the interpreter."""
        memory = self._words.view(np.uint8)
        for at, array in zip(self._starts(node, table), _parts(table), strict=True):
            memory[at : at + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)

    def finish(self, node: int, table: PlotTable) -> None:
        """All of it is there: paths may name the node."""
        starts = [
            at // array.itemsize for at, array in zip(self._starts(node, table), _parts(table), strict=True)
        ]
        # A new array, so that a look-up that runs meanwhile keeps the one it began with.
        nodes = np.zeros((max(len(self._nodes), node + 1), kernels.NODE_COLUMNS), np.int64)
        nodes[: len(self._nodes)] = self._nodes
        nodes[node] = [*starts, len(table.slot_keys)]
        self._nodes = nodes
        self._unfinished.remove(node)

    def remove(self, node: int) -> None:
        """Free a node's bytes; no path may name it any more, and nobody may fill it."""
        if node not in self._extents:
            raise InvalidInput(f"the arena has no node {node}")
        del self._extents[node]
        self._unfinished.discard(node)

    def lookup(
        self, documents: Documents, paths: npt.NDArray[np.int32], out: npt.NDArray[np.float32]
    ) -> LookupResult:
        """Write every token's row into ``out`` [num_tokens, hidden], without position and type residuals.

        ``paths`` [num_documents, depth]: each document's nodes, root first and leaf last; -1 is skipped.
        Raises InvalidInput for a token that not even the root has.
        """
        self._check(documents, paths, out)
        rung = np.empty(documents.num_tokens, np.uint8)
        position = np.empty(documents.num_tokens, np.uint8)
        views = (
            self._nodes,
            self._words,
            self._words.view(np.uint32),
            self._words.view(np.float32),
            self._words.view(np.int8),
        )
        self._ladder.climb(documents, np.ascontiguousarray(paths), views, out, rung, position)
        if np.any(rung == kernels.NO_ANSWER):
            token = documents.token_ids[int(np.argmax(rung == kernels.NO_ANSWER))]
            raise InvalidInput(
                f"token id {token} has no row: the document's path has no root, or a foreign one"
            )
        return LookupResult(rung, position, self._ladder.groups)

    def check_integrity(self) -> None:
        """Raise AssertionError when nodes overlap or leave the arena."""
        end = 0
        for start, length in sorted(self._extents.values()):
            assert start >= end, "two nodes share bytes"
            end = start + length
        assert end <= len(self._words), "a node lies outside the arena"
        assert self._unfinished <= self._extents.keys(), "a node without a place is filled"

    def _starts(self, node: int, table: PlotTable) -> list[int]:
        """Where each part of the table begins, in bytes."""
        sizes = [_padded(array.nbytes) for array in _parts(table)]
        return [self._extents[node][0] * _WORD + before for before in accumulate(sizes[:-1], initial=0)]

    def _place(self, num_words: int) -> int:
        """First word of the first free stretch that is long enough."""
        end = 0
        for start, length in [*sorted(self._extents.values()), (len(self._words), 0)]:
            if start - end >= num_words:
                return end
            end = start + length
        free_bytes = self.capacity_bytes - self.used_bytes
        raise BudgetExceeded(
            f"a PLOT node needs {num_words * _WORD} bytes in one piece, "
            f"the arena has {free_bytes} of {self.capacity_bytes} free",
            needed_bytes=num_words * _WORD,
            free_bytes=free_bytes,
        )

    def _check(
        self, documents: Documents, paths: npt.NDArray[np.int32], out: npt.NDArray[np.float32]
    ) -> None:
        if paths.dtype != np.int32 or paths.ndim != 2 or len(paths) != documents.num_documents:
            raise InvalidInput(f"paths must be int32 [{documents.num_documents}, depth], got {paths.shape}")
        if out.dtype != np.float32 or out.shape != (documents.num_tokens, self._hidden):
            raise InvalidInput(
                f"out must be float32 [{documents.num_tokens}, {self._hidden}], got {out.shape}"
            )
        unknown = set(np.unique(paths).tolist()) - {-1} - (self._extents.keys() - self._unfinished)
        if unknown:
            raise InvalidInput(f"paths name nodes that are not in the arena: {sorted(unknown)}")


def _parts(table: PlotTable) -> Sequence[npt.NDArray[np.generic]]:
    """In the order of kernels.NODE_*."""
    return (table.slot_keys, table.slot_rows, table.row_scales, table.dimension_scales, table.codes)


def _padded(num_bytes: int) -> int:
    return -(-num_bytes // _WORD) * _WORD
