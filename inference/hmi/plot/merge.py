"""Merging segments: whole numbers are added, so the order does not matter and leaving one out is exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BundleMismatch, InvalidInput
from hmi.plot.ngram import CentredScheme, NgramScheme
from hmi.plot.segment import Segment


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

    def sums(self, rows: slice, hidden: int) -> npt.NDArray[np.int64]:
        """Sum of the states of each n-gram in ``rows``, int64 [num_rows, hidden] in 1/1024."""
        keys = self.keys[rows]
        sums = np.zeros((len(keys), hidden), np.int64)
        if len(keys) == 0:
            return sums
        for segment in self.segments:
            first, last = np.searchsorted(segment.keys, keys[[0, -1]])
            part = slice(int(first), int(last) + 1)
            at = np.searchsorted(keys, segment.keys[part])
            at[at == len(keys)] = 0
            present = keys[at] == segment.keys[part]
            counts = segment.counts[part][present].astype(np.int64)
            sums[at[present]] += counts[:, None] * segment.means[part][present]
        return sums


def merge_segments(segments: Sequence[Segment], scheme: NgramScheme | None = None) -> MergedStatistics:
    """The node made of these segments; every dataset at most once, all of one backbone and one ``scheme``
    (None: the centred one).

    Takes 24 bytes a row of the node, and a block of keys of each segment: what is larger stays on the disk.
    Segments of a causal scheme have all their keys in memory, once more for each.
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
    keys = scheme.union([segment.keys for segment in segments])
    counts, squares = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    numbered = []
    for segment in sorted(segments, key=lambda segment: segment.fields.dataset_id):
        at = scheme.among(segment.keys, keys)
        counts[at] += segment.counts
        squares[at] += segment.squares
        is_same = np.array_equal(keys[at], segment.keys)
        numbered.append(segment if is_same else replace(segment, keys=keys[at]))
    return MergedStatistics(tuple(numbered), keys, counts, squares)
