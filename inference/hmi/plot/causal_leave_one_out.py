"""Leaving a document out of a decoder's nodes: the longest suffix that stands without it, and its row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.plot.causal import CausalScheme
from hmi.plot.counting import Keys
from hmi.plot.fixed_point import ONE
from hmi.plot.ngram import Documents, Rows, rows_among
from hmi.plot.segment import Segment

Sums = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CausalSource:
    """One segment of a node, and whether it has counted the document."""

    node: int
    segment: Segment
    holds: bool


@dataclass(frozen=True, slots=True)
class CountedDocument:
    """A document as it was counted, its windows one behind the other."""

    windows: Documents
    window_of: npt.NDArray[np.int64]  # [num_tokens] of each token
    states: npt.NDArray[np.int32]  # [num_tokens, hidden] in 1/1024


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of one length's suffixes in one node, [num_tokens]; nothing: the suffix does not stand."""

    counts: npt.NDArray[np.int64]
    sums: Sums  # [num_tokens, hidden] in 1/1024


def leave_out_suffixes(
    scheme: CausalScheme,
    document: Documents,
    counted: CountedDocument,
    sources: Sequence[CausalSource],
    kept: Sequence[Keys],
    tau: npt.NDArray[np.float32],
    isolated: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
    rung: npt.NDArray[np.uint8],
    position: npt.NDArray[np.uint8],
) -> None:
    """Rows of one document's tokens as if it had never been counted. Root first: ``kept``, the keys that each
    node's table had room for, and ``tau`` [nodes, rungs].

    Suffixes that stand without the document are closed under shortening, in each segment and so in each
    node; so the shorter one's row, which is the prior where no node above has the suffix, is always there.
    """
    num_tokens = document.num_tokens
    is_there = [scheme.rows(document, keys) >= 0 for keys in kept]
    left = [[_nothing(num_tokens, out.shape[1]) for _ in range(scheme.order)] for _ in kept]
    for source in sources:
        _add(scheme, document, counted, source, left[source.node])
    standing = np.full((scheme.order, num_tokens), -1)  # position of the nearest node that has the suffix
    rows = np.zeros((scheme.order, num_tokens, out.shape[1]), np.float32)  # that node's
    for node in range(len(kept)):
        shorter = isolated[document.token_ids]
        for at in reversed(range(scheme.order)):  # rungs: the bare token is the last
            found = left[node][at]
            has = (found.counts > 0) & is_there[node][at]
            if at == scheme.order - 1 and node == 0:
                has[:] = True  # the root has every token
            prior = np.where((standing[at] >= 0)[:, None], rows[at], shorter)
            weight = tau[node, at]
            mixed = (found.sums / ONE + weight * prior) / (found.counts + weight)[:, None]
            rows[at][has] = mixed[has]
            standing[at][has] = node
            shorter = mixed
    longest = np.argmax(standing >= 0, axis=0)
    rung[:] = longest
    position[:] = standing[longest, np.arange(num_tokens)]
    out[:] = rows[longest, np.arange(num_tokens)]


def _nothing(num_tokens: int, hidden: int) -> _Left:
    return _Left(np.zeros(num_tokens, np.int64), np.zeros((num_tokens, hidden), np.int64))


def _add(
    scheme: CausalScheme,
    document: Documents,
    counted: CountedDocument,
    source: CausalSource,
    left: Sequence[_Left],
) -> None:
    """Add what one segment would have without the document."""
    segment = source.segment
    rows = scheme.rows(document, segment.keys)
    own_rows = scheme.rows(counted.windows, segment.keys)
    was_counted = counted.window_of < segment.fields.max_windows if source.holds else np.zeros(0, np.bool_)
    for at, found in enumerate(left):
        seen = np.flatnonzero(rows[at] >= 0)
        here = rows[at][seen]
        counts = segment.counts[here].astype(np.int64)
        sums = counts[:, None] * segment.means[here].astype(np.int64)
        if source.holds:
            own_counts, own_sums = _own(here, own_rows[at][was_counted], counted.states[was_counted])
            counts, sums = counts - own_counts, sums - own_sums
        least = 1 if at == scheme.order - 1 else segment.fields.min_count
        stays = counts >= least
        found.counts[seen[stays]] += counts[stays]
        found.sums[seen[stays]] += sums[stays]


def _own(wanted: Rows, rows: Rows, states: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int64], Sums]:
    """How often the document has each wanted row of the segment, and the sum of its states there."""
    kept = rows >= 0
    different, which = np.unique(rows[kept], return_inverse=True)
    sums = np.zeros((len(different) + 1, states.shape[1]), np.int64)  # the last one: of what it does not have
    np.add.at(sums, which, states[kept])
    counts = np.append(np.bincount(which, minlength=len(different)), 0)
    at = rows_among(wanted.astype(np.uint64), different.astype(np.uint64))
    return counts[at], sums[at]
