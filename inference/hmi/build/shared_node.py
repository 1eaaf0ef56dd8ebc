"""The segment of a shared node: the sum of what tenants contributed, of n-grams that enough of them share."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.plot.counting import MAX_BYTES, Work, merged_blocks
from hmi.plot.fixed_point import rounded_mean
from hmi.plot.mapped import let_go, zeros
from hmi.plot.merge import MergedStatistics, merge_segments
from hmi.plot.ngram import rows_among
from hmi.plot.privacy import PersonalPieces, enough_tenants
from hmi.plot.segment import TEXT_FORM, Segment
from wire.artifacts import SegmentFields
from wire.ids import DatasetId, Digest, TenantId

_CHUNK_ROWS, _CHUNK_KEYS = 2048, 1 << 16
_KEY_BYTES = 128
"""Of one key while tenants' keys are put together: itself, its count, and what sorting copies of them."""


@dataclass(frozen=True, slots=True)
class Contributed:
    """A segment and whose it is."""

    tenant_id: TenantId | None  # None: the operator's own text, which the rule does not hold back
    segment: Segment


@dataclass(frozen=True, slots=True)
class SharedNode:
    """What enters the node, and what of each tenant's text stayed out."""

    segment: Segment
    private_shares: dict[TenantId, float]  # share of the tenant's n-grams that are not in ``segment``


def shared_node(
    contributed: Sequence[Contributed],
    *,
    dataset_id: DatasetId,
    backbone: Digest,
    hidden: int,
    min_tenants: int,
    personal: PersonalPieces | None = None,
    work: Work | None = None,
) -> SharedNode:
    """Add the segments up; drop what fewer than ``min_tenants`` tenants, and not the operator, have outside
    of e-mails, places on the web and numbers of persons, and what ``personal`` marks, whoever gave it.

    A segment that has a trigram has its bigrams and its unigram, so what is kept is closed under shortening.
    The result is a function of the set of contributions: their order does not matter. With ``work`` all that
    grows with the number of rows waits in its folder, no more than max_bytes of it in memory at a time.
    """
    segments = [one.segment for one in contributed]
    merged = merge_segments(segments, work=work)
    folder, max_bytes = (None, MAX_BYTES) if work is None else (work.folder, work.max_bytes)
    kept = _kept(merged, contributed, min_tenants, personal, folder)
    keys, counts, squares, means = _rows(merged, kept, hidden, folder, max_bytes)
    documents = [np.zeros(0, np.uint64), *(segment.documents for segment in segments)]
    hashes = np.sort(np.concatenate(documents))  # what several gave is in the sum several times
    fields = SegmentFields(
        backbone=backbone,
        dataset_id=dataset_id,
        num_documents=len(np.unique(hashes)),
        num_tokens=merged.num_tokens,
        min_count=max((segment.fields.min_count for segment in segments), default=1),
        window_tokens=max((segment.fields.window_tokens for segment in segments), default=128),
        max_windows=max((segment.fields.max_windows for segment in segments), default=1),
        text_form=TEXT_FORM,
    )
    node = Segment(fields, keys, counts, squares, means, hashes)
    return SharedNode(node, _private_shares(keys, contributed, max_bytes))


def _kept(
    merged: MergedStatistics,
    contributed: Sequence[Contributed],
    min_tenants: int,
    personal: PersonalPieces | None,
    folder: Path | None,
) -> npt.NDArray[np.int64]:
    """The merged rows that enter, rising."""
    rows = zeros(np.int64, merged.keys.shape, folder)
    num_kept = 0
    for start in range(0, len(rows), _CHUNK_KEYS):
        keys = np.array(merged.keys[start : start + _CHUNK_KEYS])
        found = start + np.flatnonzero(_may_enter(keys, contributed, min_tenants, personal))
        rows[num_kept : num_kept + len(found)] = found
        num_kept += len(found)
        merged.let_go()
        let_go(rows, *(one.segment.in_span for one in contributed if one.segment.in_span is not None))
    return rows[:num_kept]


def _may_enter(
    keys: npt.NDArray[np.uint64],
    contributed: Sequence[Contributed],
    min_tenants: int,
    personal: PersonalPieces | None,
) -> npt.NDArray[np.bool_]:
    """Which of some neighbouring keys."""
    of_tenant: dict[TenantId | None, list[npt.NDArray[np.uint64]]] = {}
    for one in contributed:
        first, last = np.searchsorted(one.segment.keys, keys[[0, -1]])
        rows = slice(int(first), int(last) + 1)
        outside = one.segment.keys[rows][one.segment.is_outside(rows)]
        of_tenant.setdefault(one.tenant_id, []).append(outside)
    may_enter = enough_tenants(keys, of_tenant.items(), min_tenants)
    return may_enter if personal is None else may_enter & ~personal.marks(keys)


def _rows(
    merged: MergedStatistics,
    kept: npt.NDArray[np.int64],
    hidden: int,
    folder: Path | None,
    max_bytes: int,
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int16]]:
    """Keys, counts, squares and means of the rows that are kept."""
    num_rows = len(kept)
    keys, counts = zeros(np.uint64, (num_rows,), folder), zeros(np.uint32, (num_rows,), folder)
    squares = zeros(np.int64, (num_rows,), folder)
    means = zeros(np.int16, (num_rows, hidden), folder)
    num_touched_bytes = 0
    for start in range(0, num_rows, _CHUNK_ROWS):
        part = slice(start, min(start + _CHUNK_ROWS, num_rows))
        rows = np.array(kept[part])
        keys[part], counts[part], squares[part] = merged.keys[rows], merged.counts[rows], merged.squares[rows]
        means[part] = rounded_mean(merged.sums(rows, hidden), np.array(merged.counts[rows]))
        num_touched_bytes += len(rows) * (2 * hidden + 24) * (len(merged.segments) + 1)
        if num_touched_bytes >= max_bytes:
            num_touched_bytes = 0
            let_go(kept, keys, counts, squares, means)
            merged.let_go()
    return keys, counts, squares, means


def _private_shares(
    kept: npt.NDArray[np.uint64], contributed: Sequence[Contributed], max_bytes: int
) -> dict[TenantId, float]:
    tenants = sorted({one.tenant_id for one in contributed if one.tenant_id is not None})
    shares = {}
    for tenant_id in tenants:
        segments = [one.segment for one in contributed if one.tenant_id == tenant_id]
        runs = [(segment.keys, segment.counts) for segment in segments]
        num_keys = num_kept = 0
        for own, _ in merged_blocks(runs, max_keys=max(max_bytes // _KEY_BYTES, _CHUNK_ROWS)):
            num_keys += len(own)
            num_kept += int((rows_among(own, kept) >= 0).sum())
            let_go(kept)
        shares[tenant_id] = 1 - num_kept / num_keys if num_keys else 0.0
    return shares
