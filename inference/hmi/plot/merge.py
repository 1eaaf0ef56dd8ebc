"""Merging segments: whole numbers are added, so the order does not matter and leaving one out is exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.counting import MAX_BYTES, Work, merged_blocks
from hmi.plot.fixed_point import rounded_mean
from hmi.plot.mapped import blocks, let_go, scratch, zeros
from hmi.plot.ngram import CentredScheme, NgramScheme, rows_among
from hmi.plot.segment import Segment

_CHUNK_ROWS = 4096
_KEY_BYTES = 128
"""Of one key while it is merged: itself, its count and its places, and what sorting copies of them."""


@dataclass(frozen=True, slots=True)
class MergedStatistics:
    """The statistics of a node. Sums are added up when asked for, a range of rows at a time."""

    segments: tuple[Segment, ...]  # their keys numbered as in ``keys``
    keys: npt.NDArray[np.uint64]  # [num_rows], sorted
    counts: npt.NDArray[np.int64]  # [num_rows]
    squares: npt.NDArray[np.int64]  # [num_rows] in 1/1024²

    @property
    def num_tokens(self) -> int:
        return sum(segment.fields.num_tokens for segment in self.segments)

    def sums(self, rows: "slice | npt.NDArray[np.int64]", hidden: int) -> npt.NDArray[np.int64]:
        """Sum of the states of each n-gram in ``rows``, int64 [num_rows, hidden] in 1/1024."""
        keys = self.keys[rows]
        sums = np.zeros((len(keys), hidden), np.int64)
        for segment in self.segments:
            at = rows_among(keys, segment.keys)
            own = at[at >= 0]
            sums[at >= 0] += segment.counts[own].astype(np.int64)[:, None] * segment.means[own]
        return sums

    def let_go(self) -> None:
        """Give up what lies in memory of mapped files."""
        let_go(self.keys, self.counts, self.squares)
        for segment in self.segments:
            let_go(segment.keys, segment.counts, segment.squares, segment.means)


def merge_segments(
    segments: Sequence[Segment], scheme: NgramScheme | None = None, *, work: Work | None = None
) -> MergedStatistics:
    """The node made of these segments; every dataset at most once, all of one backbone and one ``scheme``
    (None: the centred one).

    With ``work`` the node's keys, counts and squares lie in a file of its folder, and no more than max_bytes
    of them is in memory at a time; without, they take 24 bytes a row. Segments of a causal scheme have all
    their keys in memory, once more for each.
    """
    scheme = scheme or CentredScheme()
    if len({segment.fields.dataset_id for segment in segments}) != len(segments):
        raise InvalidInput("two segments come from the same dataset; a node counts a dataset once")
    backbones = {segment.fields.backbone for segment in segments}
    if len(backbones) > 1:
        raise BundleMismatch(
            f"segments of several backbones cannot be merged: {', '.join(sorted(backbones))}"
        )
    if any(segment.fields.scheme != scheme.name for segment in segments):
        raise BundleMismatch(f"a segment does not have n-grams of the scheme {scheme.name}; build it again")
    ordered = sorted(segments, key=lambda segment: segment.fields.dataset_id)
    return _added_up(ordered, work) if scheme.has_global_keys else _added_up_anew(ordered, scheme)


def _added_up(segments: Sequence[Segment], work: Work | None) -> MergedStatistics:
    """A sorted block of keys at a time, as from sorted runs: a key stands for one n-gram in all segments."""
    most = sum(len(segment.keys) for segment in segments)
    folder, max_bytes = (None, MAX_BYTES) if work is None else (work.folder, work.max_bytes)
    keys, counts, squares = (zeros(dtype, (most,), folder) for dtype in (np.uint64, np.int64, np.int64))
    merged = MergedStatistics(tuple(segments), keys, counts, squares)
    runs = [(segment.keys, segment.counts) for segment in segments]
    num_rows = 0
    for block_keys, block_counts in merged_blocks(runs, max_keys=max(max_bytes // _KEY_BYTES, _CHUNK_ROWS)):
        rows = slice(num_rows, num_rows + len(block_keys))
        keys[rows], counts[rows] = block_keys, block_counts
        for segment in segments:
            at = rows_among(block_keys, segment.keys)
            squares[rows][at >= 0] += segment.squares[at[at >= 0]]
        merged.let_go()
        num_rows = rows.stop
    return replace(merged, keys=keys[:num_rows], counts=counts[:num_rows], squares=squares[:num_rows])


def _added_up_anew(segments: Sequence[Segment], scheme: NgramScheme) -> MergedStatistics:
    """All at once: keys are numbered as in the node's set."""
    keys = scheme.union([segment.keys for segment in segments])
    counts, squares = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    numbered = []
    for segment in segments:
        at = scheme.among(segment.keys, keys)
        counts[at] += segment.counts
        squares[at] += segment.squares
        numbered.append(replace(segment, keys=keys[at]))
        let_go(segment.keys, segment.counts, segment.squares)
    return MergedStatistics(tuple(numbered), keys, counts, squares)


def contains(node_sum: Segment, own: Segment) -> bool:
    """Is ``own`` one of the segments that a shared node's segment is the sum of?"""
    is_other = node_sum.fields.dataset_id != own.fields.dataset_id
    return is_other and len(own.documents) > 0 and bool(node_sum.holds(own.documents).all())


def taken_apart(node_sum: Segment, own: Segment) -> tuple[Segment, Segment]:
    """``node_sum``, which contains ``own``, as what others gave and what ``own`` gave; centred keys.

    Means of the first are off by the roundings of both (n / 2048 each, over what is left of the count n).
    """
    at = rows_among(own.keys, node_sum.keys)
    given, rows = np.flatnonzero(at >= 0), at[at >= 0]
    counts = node_sum.counts.astype(np.int64)
    squares, means = np.array(node_sum.squares), _copied(node_sum.means)
    own_counts = own.counts[given].astype(np.int64)
    squares[rows] -= own.squares[given]
    for start in range(0, len(rows), _CHUNK_ROWS):
        mine, theirs = given[start : start + _CHUNK_ROWS], rows[start : start + _CHUNK_ROWS]
        left = np.maximum(counts[theirs] - own_counts[start : start + _CHUNK_ROWS], 0)
        sums = counts[theirs, None] * node_sum.means[theirs]
        sums -= own_counts[start : start + _CHUNK_ROWS, None] * own.means[mine]
        means[theirs] = np.where(left[:, None] > 0, rounded_mean(sums, np.maximum(left, 1)), 0)
        let_go(means, node_sum.means, own.means)
    counts[rows] = np.maximum(counts[rows] - own_counts, 0)
    others = replace(
        node_sum,
        counts=counts.astype(np.uint32),
        squares=squares,
        means=means,
        documents=np.delete(node_sum.documents, np.searchsorted(node_sum.documents, own.documents)),
        in_span=None,  # they are no contributions: nothing is decided by them
    )
    mine_alone = replace(
        own,
        keys=own.keys[given],
        counts=own.counts[given],
        squares=own.squares[given],
        means=own.means[given],
        in_span=None,
    )
    return others, mine_alone


def _copied(means: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """In a file that goes with the process: a shared node may have more rows than memory has room for."""
    copy = scratch(np.int16, means.shape)
    start = 0
    for block in blocks(means):
        copy[start : start + len(block)] = block
        let_go(copy)
        start += len(block)
    return copy
