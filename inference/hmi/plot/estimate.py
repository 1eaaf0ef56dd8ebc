"""From a node's statistics to its rows, rung by rung: fit the shrinkage, then mix means and priors."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.counting import MAX_BYTES, Work
from hmi.plot.fixed_point import ONE, to_fixed, to_float
from hmi.plot.mapped import let_go, scattered_rows, zeros
from hmi.plot.merge import MergedStatistics
from hmi.plot.ngram import CentredScheme, NgramScheme, Part, rows_among
from hmi.plot.node_budget import KeepBy, NodeBudget, rows_to_keep, worth
from hmi.plot.table import PlotTable, make_table, quantise
from wire.artifacts import PlotTableFields
from wire.ids import Digest

SMALLEST_TAU, LARGEST_TAU = 1e-3, 1e4
"""Bounds of the fit: below, the prior plays no part; above, the evidence plays none."""
UNFITTED_TAU = 1.0
"""Where nothing was seen twice the noise cannot be told: the prior weighs as much as one occurrence."""

_Number = TypeVar("_Number", bound=np.generic)

_CHUNK_ROWS, _COPIED_ROWS = 4096, 1 << 15
_MEAN_BYTES, _CODE_BYTES = 2, 1 + 3
"""Of files, touched by a dimension of a row: its mean in a segment; its code, and those it backs off to."""
_SEGMENT_ROW_BYTES, _NODE_ROW_BYTES = 20, 36
"""Beside these: key, count and squares in a segment; those in the node, its worth and scale."""


def build_table(
    merged: MergedStatistics,
    *,
    backbone: Digest,
    hidden: int,
    parents: Sequence[PlotTable],
    isolated: npt.NDArray[np.float32] | None,
    budget: NodeBudget | None = None,
    work: Work | None = None,
    scheme: NgramScheme | None = None,
) -> PlotTable:
    """The table of a node: rows ``(n * mean + tau * prior) / (n + tau)``, those that ``budget`` has room for.

    ``parents`` are the tables above it, root first; the root itself has none, and takes its ``isolated`` rows
    [vocab, hidden] instead. All are of one ``scheme`` (None: the centred one). With ``work``, all that is
    held of every row waits on the disk until it is known which stay: memory goes with the table alone.
    """
    if (isolated is None) == (not parents):
        raise InvalidInput(
            "a root takes isolated rows and no parents, any other node parents and no isolated rows"
        )
    if any(parent.fields.backbone != backbone or parent.hidden != hidden for parent in parents):
        raise BundleMismatch("a table above belongs to another backbone; build the tree anew")
    scheme = scheme or CentredScheme()
    if any(parent.fields.scheme != scheme.name for parent in parents):
        raise BundleMismatch(f"a table above does not have n-grams of the scheme {scheme.name}")
    return _Builder(scheme, merged, backbone, hidden, tuple(parents), isolated, budget, work).build()


@dataclass(frozen=True, slots=True)
class _Rows:
    """The evidence of a chunk of rows."""

    counts: npt.NDArray[np.float32]  # [n]
    means: npt.NDArray[np.float32]  # [n, hidden]; 0 where the count is
    squares: npt.NDArray[np.float32]  # [n] mean squared length of the states


class _Builder:
    def __init__(
        self,
        scheme: NgramScheme,
        merged: MergedStatistics,
        backbone: Digest,
        hidden: int,
        parents: tuple[PlotTable, ...],
        isolated: npt.NDArray[np.float32] | None,
        budget: NodeBudget | None,
        work: Work | None,
    ) -> None:
        self._scheme, self._budget = scheme, budget
        self._merged, self._backbone, self._hidden, self._parents = merged, backbone, hidden, parents
        # Rounded as they are stored, so that leaving documents out starts from the same rows.
        self._isolated = None if isolated is None else to_float(to_fixed(isolated))
        self._max_bytes, self._num_passed = MAX_BYTES if work is None else work.max_bytes, 0
        self._work, self._folder = work, None if work is None else work.folder
        node = _with_vocabulary(scheme, merged, self._isolated, self._folder)
        self._keys, self._counts, self._squares, self._own = node.keys, node.counts, node.squares, node.own
        self._above = [_rows_in(parent, scheme, self._keys) for parent in parents]
        num_rows = len(self._keys)
        self._codes = zeros(np.int8, (num_rows, hidden), self._folder)
        self._worth = zeros(np.float64, (num_rows,), self._folder)
        self._row_scales = zeros(np.float32, (num_rows,), self._folder)
        scattered = (self._keys, self._counts, self._codes, self._row_scales)
        self._num_scattered = scattered_rows(self._max_bytes, *scattered)
        self._dimension_scales = self._spread_by_dimension()
        self._tau: dict[int, float] = {}
        self._within: dict[int, float] = {}  # variance of one occurrence

    def build(self) -> PlotTable:
        for rung in reversed(range(len(self._scheme.rungs))):  # each is the next one's prior
            self._tau[rung] = self._fit(rung)
            for chunk in self._chunks(rung):
                rows = self._rows(chunk)
                counts, tau = rows.counts[:, None], np.float32(self._tau[rung])
                priors = self._priors(chunk, rung)
                mixed = (counts * rows.means + tau * priors) / (counts + tau)
                self._worth[chunk] = worth(rows.counts, rows.means, priors, self._within[rung])
                self._codes[chunk], self._row_scales[chunk] = quantise(mixed, self._dimension_scales)
        kept = self._kept()
        keys, occurrences, codes, scales = self._keys, self._counts, self._codes, self._row_scales
        if not isinstance(kept, slice):
            keys = self._scheme.pruned(keys, kept)
            occurrences = _gathered(occurrences, kept, _COPIED_ROWS)
            codes = _gathered(codes, kept, _COPIED_ROWS)
            scales = _gathered(scales, kept, _COPIED_ROWS)
        rungs = list(enumerate(self._scheme.rungs))
        fields = PlotTableFields(
            backbone=self._backbone,
            scheme=self._scheme.name,
            hidden=self._hidden,
            num_rows={name: _length(self._scheme.rung_rows(keys, rung)) for rung, name in rungs},
            tau={name: self._tau[rung] for rung, name in rungs},
            num_tokens=self._merged.num_tokens,
        )
        return make_table(
            fields,
            keys,
            occurrences,
            codes,
            scales,
            self._dimension_scales,
        )

    def _kept(self) -> "npt.NDArray[np.int64] | slice":
        """The rows that stay; a slice of all of them copies nothing."""
        if self._budget is None:
            return slice(None)
        is_worth = self._budget.keep_by is KeepBy.WORTH
        scores = self._worth if is_worth else self._frequencies()
        num_always = 0
        if self._isolated is not None:  # the ladder ends at the root, whatever is asked
            num_always = len(self._isolated)
            scores[self._scheme.rung_rows(self._keys, self._last_rung)] = np.inf
        return rows_to_keep(
            self._scheme,
            self._keys,
            scores,
            num_always=num_always,
            budget=self._budget,
            hidden=self._hidden,
            work=self._work,
        )

    def _frequencies(self) -> npt.NDArray[np.float64]:
        scores = zeros(np.float64, (len(self._keys),), self._folder)
        for rung in range(len(self._scheme.rungs)):
            for chunk in self._chunks(rung):
                scores[chunk] = self._counts[chunk]
        return scores

    @property
    def _last_rung(self) -> int:
        """That of bare tokens."""
        return len(self._scheme.rungs) - 1

    def _fit(self, rung: int) -> float:
        """tau = within / between, by moments over the n-grams g (docs/plot.md):

        within  = sum of (squared distance of each state from its n-gram's mean) / sum of (n - 1)
        between = mean over g of (squared distance of mean and prior - within / n)
        """
        num_rows, num_free, scatter, distance, inverse = 0, 0.0, 0.0, 0.0, 0.0
        for chunk in self._chunks(rung):
            seen = self._rows(chunk)
            priors, is_usable = self._priors_without_own(chunk, seen, rung)
            counts, means = seen.counts[is_usable].astype(np.float64), seen.means[is_usable]
            num_rows += len(counts)
            num_free += float((counts - 1).sum())
            scatter += float((counts * (seen.squares[is_usable] - (means**2).sum(axis=1))).sum())
            distance += float(((means - priors[is_usable]) ** 2).sum(dtype=np.float64))
            inverse += float((1 / counts).sum())
        self._within[rung] = max(scatter, 0.0) / num_free if num_free else 0.0
        if num_free == 0 or scatter <= 0:
            return UNFITTED_TAU
        within = scatter / num_free
        between = (distance - within * inverse) / num_rows
        if between <= within / LARGEST_TAU:
            return LARGEST_TAU
        return max(within / between, SMALLEST_TAU)

    def _rows(self, chunk: slice) -> _Rows:
        counts = self._counts[chunk].astype(np.float32)
        divisor = np.maximum(counts, 1) * np.float32(ONE)
        means = self._sums(chunk).astype(np.float32) / divisor[:, None]
        squares = (self._squares[chunk] / (divisor.astype(np.float64) * ONE)).astype(np.float32)
        return _Rows(counts, means, squares)

    def _sums(self, chunk: slice) -> npt.NDArray[np.int64]:
        """Sums of rows that may include vocabulary entries without text."""
        own = self._own(chunk)
        sums = np.zeros((len(own), self._hidden), np.int64)
        present = own[own >= 0]  # rising by one: both lists are sorted by key
        if len(present):
            sums[own >= 0] = self._merged.sums(slice(int(present[0]), int(present[-1]) + 1), self._hidden)
        return sums

    def _priors(self, chunk: slice, rung: int) -> npt.NDArray[np.float32]:
        """Of each n-gram: the nearest ancestor's row, else what the lower rungs say in this node."""
        priors, is_above = self._priors_above(chunk)
        if not is_above.all():
            priors[~is_above] = self._back_off(np.arange(chunk.start, chunk.stop)[~is_above], rung)
        return priors

    def _priors_above(self, chunk: slice) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The nearest ancestor's rows, and where there is one."""
        priors = np.zeros((chunk.stop - chunk.start, self._hidden), np.float32)
        is_above = np.zeros(len(priors), np.bool_)
        for parent, above in zip(self._parents, self._above, strict=True):  # the nearest one last
            found = above(chunk)
            priors[found >= 0] = parent.rows(found[found >= 0])
            is_above |= found >= 0
        return priors, is_above

    def _back_off(self, rows: npt.NDArray[np.int64], rung: int) -> npt.NDArray[np.float32]:
        parts = self._parts(rows, rung)
        if parts:
            # Parts of what is kept stand in the same segments, as often at least.
            back_off = np.zeros((len(rows), self._hidden), np.float32)
            for part in parts:
                back_off += part.sign * self._finished(part.rows)
            return back_off
        if self._isolated is None:
            raise InvalidInput(
                "a token of the text has no row in the root: it was built for another vocabulary"
            )
        tokens: npt.NDArray[np.float32] = self._isolated[
            rows - self._scheme.rung_rows(self._keys, rung).start
        ]
        return tokens

    def _priors_without_own(
        self, chunk: slice, rows: _Rows, rung: int
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """Priors that the n-gram's own occurrences had no part in, and which rows have one.

        A back-off of this node has counted them: an n-gram that is most of a shorter one would agree with its
        prior because it is its prior. They are taken out where at least half of the shorter one's are left.
        """
        is_seen = rows.counts > 0
        parts = self._parts(np.arange(chunk.start, chunk.stop), rung)
        if not parts:
            return self._priors(chunk, rung), is_seen
        priors, is_above = self._priors_above(chunk)
        back_off = np.zeros_like(priors)
        is_usable = is_seen.copy()
        for part in parts:
            left = self._scattered(self._counts, part.rows) - rows.counts
            is_usable &= left >= rows.counts
            weight = (left + np.float32(self._tau[part.rung]))[:, None]
            own = rows.counts[:, None]
            finished = self._finished(part.rows)
            back_off += (
                part.sign * ((weight + own) * finished - own * rows.means) / np.where(weight > 0, weight, 1)
            )
        priors[~is_above] = back_off[~is_above]
        return priors, (is_seen & is_above) | is_usable

    def _finished(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Rows of this node that are computed already, as its table holds them."""
        scales = self._scattered(self._row_scales, rows)[:, None]
        finished: npt.NDArray[np.float32] = (
            self._scattered(self._codes, rows) * scales * self._dimension_scales
        )
        return finished

    def _parts(self, rows: npt.NDArray[np.int64], rung: int) -> tuple[Part, ...]:
        """What n-grams of a rung back off to, anywhere among the rows."""
        pieces = []
        for start in range(0, len(rows), self._num_scattered):
            piece = rows[start : start + self._num_scattered]
            pieces.append(self._scheme.parts(self._keys, piece, rung))
            if len(piece) < len(rows):
                let_go(self._keys)
        return tuple(
            replace(part, rows=np.concatenate([piece[number].rows for piece in pieces]))
            for number, part in enumerate(pieces[0])
        )

    def _scattered(self, array: npt.NDArray[_Number], rows: npt.NDArray[np.int64]) -> npt.NDArray[_Number]:
        return _gathered(array, rows, self._num_scattered)

    def _spread_by_dimension(self) -> npt.NDArray[np.float32]:
        """Root mean square of each dimension over all that rows are mixed from, [hidden]: the means, and the
        rows above or isolated ones that are their priors.

        Means alone would not do: a row that its prior outweighs may lie where the means have next to nothing,
        and then one dimension takes the 8 bits of all.
        """
        total = np.zeros(self._hidden, np.float64)
        num_rows = 0
        for rung in range(len(self._scheme.rungs)):
            for chunk in self._chunks(rung):
                counts = np.maximum(self._counts[chunk], 1)
                total += ((self._sums(chunk) / (counts[:, None] * ONE)) ** 2).sum(axis=0)
                priors, is_above = self._priors_above(chunk)  # 0 where there is none
                total += (priors.astype(np.float64) ** 2).sum(axis=0)
                num_rows += int((self._counts[chunk] > 0).sum()) + int(is_above.sum())
        if self._isolated is not None:
            total += (self._isolated.astype(np.float64) ** 2).sum(axis=0)
            num_rows += len(self._isolated)
        spread = np.sqrt(total / max(num_rows, 1)).astype(np.float32)
        return np.where(spread > 0, spread, np.float32(1))

    def _chunks(self, rung: int) -> Iterator[slice]:
        """A rung's rows, some at a time; what was mapped for them is let go of before it fills max_bytes."""
        rows = self._scheme.rung_rows(self._keys, rung)
        num_segments = len(self._merged.segments)
        touched_bytes = self._hidden * (num_segments * _MEAN_BYTES + _CODE_BYTES)
        touched_bytes += num_segments * _SEGMENT_ROW_BYTES + _NODE_ROW_BYTES
        for start in range(rows.start, rows.stop, _CHUNK_ROWS):
            yield slice(start, min(start + _CHUNK_ROWS, rows.stop))
            self._num_passed += 1
            if self._num_passed * _CHUNK_ROWS * touched_bytes >= self._max_bytes:
                self._num_passed = 0
                let_go(self._keys, self._counts, self._squares)
                let_go(self._codes, self._worth, self._row_scales)
                self._merged.let_go()


def _gathered(
    array: npt.NDArray[_Number], rows: npt.NDArray[np.int64], num_rows: int
) -> npt.NDArray[_Number]:
    """``array[rows]``, so many at a time."""
    if len(rows) <= num_rows:
        return np.asarray(array[rows])
    found: npt.NDArray[_Number] = np.empty((len(rows), *array.shape[1:]), array.dtype)
    for start in range(0, len(rows), num_rows):
        found[start : start + num_rows] = array[rows[start : start + num_rows]]
        let_go(array)
    return found


_Places = Callable[[slice], npt.NDArray[np.int64]]
"""Of a range of a node's rows: each one's row elsewhere, -1 where it has none."""


def _rows_in(table: PlotTable, scheme: NgramScheme, keys: npt.NDArray[np.uint64]) -> _Places:
    """Of the set ``keys`` in a table."""
    if scheme.has_global_keys:
        return lambda chunk: table.find(np.array(keys[chunk]))
    return scheme.among(keys, table.keys).__getitem__


@dataclass(frozen=True, slots=True)
class _NodeRows:
    """What a table's rows are made from."""

    keys: npt.NDArray[np.uint64]  # [num_rows]
    counts: npt.NDArray[np.int64]  # [num_rows]
    squares: npt.NDArray[np.int64]  # [num_rows]
    own: _Places  # in the merged statistics


def _with_vocabulary(
    scheme: NgramScheme,
    merged: MergedStatistics,
    isolated: npt.NDArray[np.float32] | None,
    folder: Path | None,
) -> _NodeRows:
    """The merged rows; those of a root with all of the vocabulary, in files of ``folder`` (None: memory)."""
    if isolated is None:
        return _NodeRows(
            merged.keys, merged.counts, merged.squares, lambda chunk: np.arange(chunk.start, chunk.stop)
        )
    tokens = scheme.token_keys(np.arange(len(isolated), dtype=np.int32))
    seen = scheme.rung_rows(merged.keys, len(scheme.rungs) - 1)
    if not scheme.has_global_keys:
        return _numbered_anew(scheme, merged, tokens)
    at = rows_among(np.array(merged.keys[seen]), tokens)
    if (at < 0).any():
        raise InvalidInput(f"the text has token ids beyond the vocabulary of {len(isolated)}")
    # Bare tokens come last: of all other rows the numbers stay.
    num_rows = seen.start + len(tokens)
    keys, counts, squares = (zeros(dtype, (num_rows,), folder) for dtype in (np.uint64, np.int64, np.int64))
    for start in range(0, seen.start, _COPIED_ROWS):
        rows = slice(start, min(start + _COPIED_ROWS, seen.start))
        keys[rows], counts[rows], squares[rows] = merged.keys[rows], merged.counts[rows], merged.squares[rows]
        let_go(keys, counts, squares, merged.keys, merged.counts, merged.squares)
    keys[seen.start :] = tokens
    counts[seen.start :][at], squares[seen.start :][at] = merged.counts[seen], merged.squares[seen]
    own = np.full(len(tokens), -1)
    own[at] = np.arange(seen.start, seen.stop)

    def places(chunk: slice) -> npt.NDArray[np.int64]:
        rows = np.arange(chunk.start, chunk.stop)
        is_token = rows >= seen.start
        rows[is_token] = own[rows[is_token] - seen.start]
        return rows

    return _NodeRows(keys, counts, squares, places)


def _numbered_anew(
    scheme: NgramScheme, merged: MergedStatistics, tokens: npt.NDArray[np.uint64]
) -> _NodeRows:
    keys = scheme.union([merged.keys, tokens])
    if _length(scheme.rung_rows(keys, len(scheme.rungs) - 1)) != len(tokens):
        raise InvalidInput(f"the text has token ids beyond the vocabulary of {len(tokens)}")
    own = np.full(len(keys), -1)
    at = scheme.among(merged.keys, keys)
    own[at] = np.arange(len(merged.keys))
    counts, squares = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    counts[at], squares[at] = merged.counts, merged.squares
    return _NodeRows(keys, counts, squares, own.__getitem__)


def _length(rows: slice) -> int:
    return int(rows.stop - rows.start)
