"""Segments: the immutable counts and means that one dataset contributes to a node."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import Bundle, open_bundle, write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch, InvalidInput
from hmi.base.texts import normalised
from hmi.plot.causal import CausalScheme
from hmi.plot.counting import Work
from hmi.plot.mapped import blocks
from hmi.plot.ngram import CentredScheme, Documents, MayStand, NgramScheme
from hmi.plot.state_sums import MemorySums, OnTokens, SpilledStates, States, add_up_by_ranges
from wire.artifacts import BundleKind, SegmentFields
from wire.ids import DatasetId, Digest

Progress = Callable[[int, int], None]
"""Told (tokens done, tokens in all)."""

MIN_COUNT = 2
TEXT_FORM = 2
"""How text_hash sees a text; in form 1 case mattered, unlike in a split."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What one dataset contributes. Rows are sorted by key, so by rung first; arrays may be memory-mapped."""

    fields: SegmentFields
    keys: npt.NDArray[np.uint64]  # [num_rows]
    counts: npt.NDArray[np.uint32]  # [num_rows]
    squares: npt.NDArray[np.int64]  # [num_rows] sum of the squared lengths of the states, in 1/1024²
    means: npt.NDArray[np.int16]  # [num_rows, hidden] in 1/1024
    documents: npt.NDArray[np.uint64]
    """text_hash of each counted text, sorted; in the sum of several datasets as often as they have it."""
    in_span: npt.NDArray[np.uint32] | None = None
    """[num_rows] occurrences that touch an e-mail, a place on the web, a telephone number ...; None: none
    does, or a release counted that did not look for them."""

    @property
    def hidden(self) -> int:
        return int(self.means.shape[1])

    def is_outside(self, rows: slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Which n-grams in ``rows`` occur outside of such spans as often as is needed to be kept, [n]; with
        an n-gram, all that it backs off to."""
        start, stop, _ = rows.indices(len(self.keys))
        if self.in_span is None:
            return np.ones(stop - start, np.bool_)
        least = np.full(stop - start, self.fields.min_count)
        scheme = CausalScheme.named(self.fields.scheme) or CentredScheme()
        tokens = scheme.rung_rows(self.keys, len(scheme.rungs) - 1)
        least[max(tokens.start - start, 0) : max(tokens.stop - start, 0)] = 1
        outside = self.counts[start:stop].astype(np.int64) - self.in_span[start:stop]
        is_outside: npt.NDArray[np.bool_] = outside >= least
        return is_outside

    def holds(self, document_hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of the texts were counted here, [n]."""
        return np.isin(document_hashes, self.documents)

    def copies(self, document_hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """How often each of the texts was counted here, [n]."""
        first, last = (np.searchsorted(self.documents, document_hashes, side) for side in ("left", "right"))
        return last - first


def text_hash(text: str) -> int:
    """64 bits that recognise a text, whatever became of its Unicode form, case and white space."""
    normal = normalised(text).encode()
    return int.from_bytes(hashlib.blake2b(normal, digest_size=8).digest(), "little")


def text_hashes(texts: Iterable[str]) -> npt.NDArray[np.uint64]:
    """text_hash of each, [n]."""
    return np.array([text_hash(text) for text in texts], np.uint64)


def build_segment(
    batches: Iterable[Documents],
    states: States,
    *,
    backbone: Digest,
    dataset_id: DatasetId,
    hidden: int,
    document_hashes: npt.NDArray[np.uint64],
    min_count: int = MIN_COUNT,
    window_tokens: int = 128,
    max_windows: int = 1,
    on_progress: Progress | None = None,
    work: Work | None = None,
    scheme: NgramScheme | None = None,
    may_stand: MayStand | None = None,
) -> Segment:
    """Count and choose the n-grams, then add up their states in one forward.

    ``batches`` is walked twice (once more for each rung of a causal ``scheme``; None: the centred one) and
    must give the same each time; every document in it is one window of one
    of the texts in ``document_hashes``, which are all different. What is kept: NgramScheme.count. With
    ``work``, no more than its max_bytes of counts and states is in memory at a time, however much text there
    is; what is computed waits in its folder, and the same call after a kill goes on from there (where states
    are kept there: Work.keep_tokens). The segment is the same, mapped from files there.
    """
    if len(np.unique(document_hashes)) != len(document_hashes):
        raise InvalidInput("a text is given twice; a segment counts each text once")

    def tell(done: int) -> None:
        if on_progress:
            on_progress(done, num_tokens)

    scheme = scheme or CentredScheme()
    counted = scheme.count(batches, min_count, work, may_stand)
    keys, counts, num_tokens = counted.keys, counted.counts, counted.num_tokens
    if work is None:
        squares, means, num_done = _sums_in_memory(scheme, batches, states, keys, counts, hidden, tell)
    elif work.keep_tokens is None:
        squares, means, num_done = add_up_by_ranges(
            scheme, batches, states, keys, counts, hidden, work=work, on_tokens=tell
        )
    else:
        spilled = SpilledStates(work, hidden, scheme)
        num_done = spilled.write(batches, keys, states, tell)
        _check_passes(num_tokens, num_done)
        squares, means = spilled.add_up(counts)
    _check_passes(num_tokens, num_done)
    fields = SegmentFields(
        backbone=backbone,
        dataset_id=dataset_id,
        num_documents=len(document_hashes),
        num_tokens=num_tokens,
        min_count=min_count,
        window_tokens=window_tokens,
        max_windows=max_windows,
        text_form=TEXT_FORM,
        scheme=scheme.name,
    )
    return Segment(
        fields,
        keys,
        counts,
        squares,
        means,
        np.sort(document_hashes),
        counted.in_span,
    )


def _sums_in_memory(
    scheme: NgramScheme,
    batches: Iterable[Documents],
    states: States,
    keys: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.uint32],
    hidden: int,
    on_tokens: OnTokens,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16], int]:
    sums = MemorySums(counts, hidden)
    num_done = 0
    for documents in batches:
        sums.add(scheme.rows(documents, keys), states(documents))
        num_done += documents.num_tokens
        on_tokens(num_done)
    return sums.squares, sums.means(counts), num_done


def _check_passes(num_tokens: int, num_done: int) -> None:
    if num_done != num_tokens:
        raise InvalidInput(f"the batches changed between two passes: {num_tokens} tokens, then {num_done}")


def write_segment(segment: Segment, folder: Path) -> Digest:
    """Write the segment as a bundle into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        if getattr(segment, name) is not None:
            _save(folder / f"{name}.npy", getattr(segment, name))
    return write_bundle(folder, BundleKind.SEGMENT, segment.fields)


def _save(path: Path, array: npt.NDArray[Any]) -> None:
    """As numpy.save, byte for byte, a block at a time."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        for block in blocks(array):
            file.write(np.ascontiguousarray(block).data)


def open_segment(folder: Path, digest: Digest | None, *, backbone: Digest | None = None) -> Segment:
    """Open and verify a segment; what is large stays on the disk. Raises BundleBroken, BundleMismatch."""
    bundle = open_bundle(folder, kind=BundleKind.SEGMENT, fields_type=SegmentFields, digest=digest)
    if backbone is not None and bundle.fields.backbone != backbone:
        raise BundleMismatch(
            f"segment {bundle.digest} belongs to backbone {bundle.fields.backbone}, not {backbone}"
        )
    if bundle.fields.text_form != TEXT_FORM:
        raise BundleMismatch(
            f"segment {bundle.digest} knows its texts in form {bundle.fields.text_form}, not {TEXT_FORM}: "
            "they could not be kept out of the held-out rows; build the trees again"
        )
    named = {name: dtype for name, dtype in _FILES.items() if name != "in_span" or _has_spans(bundle)}
    parts = {name: _load(bundle, name, dtype) for name, dtype in named.items()}
    segment = Segment(bundle.fields, **parts)
    num_rows = len(segment.keys)
    lengths = {len(part) for name, part in parts.items() if name != "documents"}
    if lengths != {num_rows} or not _is_rising(segment.keys):
        raise BundleBroken(f"segment {bundle.digest} does not fit together; build it again")
    return segment


def _is_rising(keys: npt.NDArray[np.uint64]) -> bool:
    before: np.uint64 | None = None
    for block in blocks(keys):
        if np.any(block[1:] <= block[:-1]) or (before is not None and block[0] <= before):
            return False
        before = block[-1]
    return True


_FILES: dict[str, type[np.generic]] = {
    "keys": np.uint64,
    "counts": np.uint32,
    "squares": np.int64,
    "means": np.int16,
    "documents": np.uint64,
    "in_span": np.uint32,
}

_MAPPED = ("means", "squares", "counts", "keys", "in_span")  # all that grows with the number of rows


def _has_spans(bundle: Bundle[SegmentFields]) -> bool:
    return "in_span.npy" in bundle.manifest.files


def _load(bundle: Bundle[SegmentFields], name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(
            bundle.file(f"{name}.npy"), mmap_mode="r" if name in _MAPPED else None, allow_pickle=False
        )
    except ValueError as exc:
        raise BundleBroken(f"{name}.npy of segment {bundle.digest} is not an array: {exc}") from exc
    if array.dtype != dtype or array.ndim != (2 if name == "means" else 1):
        raise BundleBroken(f"{name}.npy of segment {bundle.digest} has the wrong shape")
    return array
