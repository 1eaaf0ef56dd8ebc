"""The segment of a shared node: the sum of what tenants contributed, of n-grams that enough of them share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.plot.counting import MAX_BYTES, Work
from hmi.plot.fixed_point import rounded_mean
from hmi.plot.mapped import let_go, scratch
from hmi.plot.merge import MergedStatistics, merge_segments
from hmi.plot.ngram import rows_among
from hmi.plot.privacy import PersonalPieces, enough_tenants
from hmi.plot.segment import TEXT_FORM, Segment
from wire.artifacts import SegmentFields
from wire.ids import DatasetId, Digest, TenantId

_CHUNK_ROWS = 2048


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
    The result is a function of the set of contributions: their order does not matter. With ``work`` the means
    wait in its folder, and no more than its max_bytes of them is in memory at a time.
    """
    merged = merge_segments([one.segment for one in contributed])
    kept = _kept(merged.keys, contributed, min_tenants, personal)
    keys, counts = merged.keys[kept], merged.counts[kept]
    means = _means(merged, kept, hidden, work)
    segments = [one.segment for one in contributed]
    documents = [np.zeros(0, np.uint64), *(segment.documents for segment in segments)]
    hashes: npt.NDArray[np.uint64] = np.unique(np.concatenate(documents))
    fields = SegmentFields(
        backbone=backbone,
        dataset_id=dataset_id,
        num_documents=len(hashes),
        num_tokens=merged.num_tokens,
        min_count=max((segment.fields.min_count for segment in segments), default=1),
        window_tokens=max((segment.fields.window_tokens for segment in segments), default=128),
        max_windows=max((segment.fields.max_windows for segment in segments), default=1),
        text_form=TEXT_FORM,
    )
    node = Segment(fields, keys, counts.astype(np.uint32), merged.squares[kept], means, hashes)
    return SharedNode(node, _private_shares(keys, contributed))


def _means(
    merged: MergedStatistics, kept: npt.NDArray[np.bool_], hidden: int, work: Work | None
) -> npt.NDArray[np.int16]:
    """Of the rows that are kept, [num_kept, hidden]."""
    shape = (int(kept.sum()), hidden)
    means = np.empty(shape, np.int16) if work is None else scratch(np.int16, shape, work.folder)
    max_bytes = MAX_BYTES if work is None else work.max_bytes
    num_done = num_touched_bytes = 0
    # All rows, some at a time: those that are kept may lie far apart.
    for start in range(0, len(kept), _CHUNK_ROWS):
        part = slice(start, min(start + _CHUNK_ROWS, len(kept)))
        sums = merged.sums(part, hidden)[kept[part]]
        means[num_done : num_done + len(sums)] = rounded_mean(sums, merged.counts[part][kept[part]])
        num_done += len(sums)
        num_touched_bytes += (part.stop - start) * hidden * 2 * (len(merged.segments) + 1)
        if num_touched_bytes >= max_bytes:
            num_touched_bytes = 0
            let_go(means, *(segment.means for segment in merged.segments))
    return means


def _kept(
    keys: npt.NDArray[np.uint64],
    contributed: Sequence[Contributed],
    min_tenants: int,
    personal: PersonalPieces | None,
) -> npt.NDArray[np.bool_]:
    of_tenant: dict[TenantId | None, list[npt.NDArray[np.uint64]]] = {}
    for one in contributed:
        keys_outside = one.segment.keys
        if one.segment.in_span is not None:
            keys_outside = keys_outside[one.segment.is_outside()]
        of_tenant.setdefault(one.tenant_id, []).append(keys_outside)
    kept = enough_tenants(keys, of_tenant.items(), min_tenants)
    return kept if personal is None else kept & ~personal.marks(keys)


def _private_shares(
    kept: npt.NDArray[np.uint64], contributed: Sequence[Contributed]
) -> dict[TenantId, float]:
    tenants = sorted({one.tenant_id for one in contributed if one.tenant_id is not None})
    shares = {}
    for tenant_id in tenants:
        own = _keys_of(tenant_id, contributed)
        shares[tenant_id] = float(1 - (rows_among(own, kept) >= 0).mean()) if len(own) else 0.0
    return shares


def _keys_of(
    tenant_id: TenantId | None, contributed: Sequence[Contributed]
) -> npt.NDArray[np.uint64]:  # [n] sorted, each once
    return np.unique(np.concatenate([one.segment.keys for one in contributed if one.tenant_id == tenant_id]))
