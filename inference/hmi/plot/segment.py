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
from hmi.plot import kernels
from hmi.plot.fixed_point import rounded_mean, to_fixed
from hmi.plot.ngram import CentredScheme, Documents, Rung, rows_among, rung_start
from wire.artifacts import BundleKind, SegmentFields
from wire.ids import DatasetId, Digest

States = Callable[[Documents], npt.NDArray[np.float32]]
"""Full-context states of the last lower layer, less position and type residuals: [num_tokens, hidden]."""
Progress = Callable[[int, int], None]
"""Told (tokens done, tokens in all)."""

MIN_COUNT = 2
TEXT_FORM = 2
"""How text_hash sees a text; in form 1 case mattered, unlike in a split."""
_NARROW_COUNT = 1 << 16  # so many states of int16 size still add up within int32
_CHUNK_ROWS = 8192
_PENDING_KEYS = 1 << 22


@dataclass(frozen=True, slots=True)
class Segment:
    """What one dataset contributes. Rows are sorted by key, so by rung first; arrays may be memory-mapped."""

    fields: SegmentFields
    keys: npt.NDArray[np.uint64]  # [num_rows]
    counts: npt.NDArray[np.uint32]  # [num_rows]
    squares: npt.NDArray[np.int64]  # [num_rows] sum of the squared lengths of the states, in 1/1024²
    means: npt.NDArray[np.int16]  # [num_rows, hidden] in 1/1024
    documents: npt.NDArray[np.uint64]  # [num_documents] text_hash of each counted text, sorted

    @property
    def hidden(self) -> int:
        return int(self.means.shape[1])

    def holds(self, document_hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of the texts were counted here, [n]."""
        return np.isin(document_hashes, self.documents)


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
) -> Segment:
    """Count and choose the n-grams, then add up their states in one forward.

    ``batches`` is walked twice and must give the same both times; every document in it is one window of one
    of the texts in ``document_hashes``, which are all different. All unigrams are kept, and the bigrams and
    trigrams that occur at least ``min_count`` times.
    """
    if len(np.unique(document_hashes)) != len(document_hashes):
        raise InvalidInput("a text is given twice; a segment counts each text once")
    keys, counts, num_tokens = count_ngrams(batches, min_count)
    sums = _Sums(counts, hidden)
    num_done = 0
    for documents in batches:
        sums.add(rows_among(CentredScheme.keys(documents), keys), states(documents))
        num_done += documents.num_tokens
        if on_progress:
            on_progress(num_done, num_tokens)
    if num_done != num_tokens:
        raise InvalidInput(f"the batches changed between two passes: {num_tokens} tokens, then {num_done}")
    fields = SegmentFields(
        backbone=backbone,
        dataset_id=dataset_id,
        num_documents=len(document_hashes),
        num_tokens=num_tokens,
        min_count=min_count,
        window_tokens=window_tokens,
        max_windows=max_windows,
        text_form=TEXT_FORM,
    )
    return Segment(
        fields, keys, counts.astype(np.uint32), sums.squares, sums.means(counts), np.sort(document_hashes)
    )


def write_segment(segment: Segment, folder: Path) -> Digest:
    """Write the segment as a bundle into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        np.save(folder / f"{name}.npy", getattr(segment, name), allow_pickle=False)
    return write_bundle(folder, BundleKind.SEGMENT, segment.fields)


def open_segment(folder: Path, digest: Digest | None, *, backbone: Digest | None = None) -> Segment:
    """Open and verify a segment; its means stay on the disk. Raises BundleBroken, BundleMismatch."""
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
    parts = {name: _load(bundle, name, dtype) for name, dtype in _FILES.items()}
    segment = Segment(bundle.fields, **parts)
    num_rows = len(segment.keys)
    lengths = {len(segment.counts), len(segment.squares), len(segment.means), num_rows}
    if lengths != {num_rows} or np.any(segment.keys[1:] <= segment.keys[:-1]):
        raise BundleBroken(f"segment {bundle.digest} does not fit together; build it again")
    return segment


_FILES: dict[str, type[np.generic]] = {
    "keys": np.uint64,
    "counts": np.uint32,
    "squares": np.int64,
    "means": np.int16,
    "documents": np.uint64,
}


def _load(bundle: Bundle[SegmentFields], name: str, dtype: type[np.generic]) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = np.load(
            bundle.file(f"{name}.npy"), mmap_mode="r" if name == "means" else None, allow_pickle=False
        )
    except ValueError as exc:
        raise BundleBroken(f"{name}.npy of segment {bundle.digest} is not an array: {exc}") from exc
    if array.dtype != dtype or array.ndim != (2 if name == "means" else 1):
        raise BundleBroken(f"{name}.npy of segment {bundle.digest} has the wrong shape")
    return array


def count_ngrams(
    batches: Iterable[Documents], min_count: int
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64], int]:
    """First pass: the n-grams to keep, sorted, with their counts, and the number of tokens."""
    runs: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]] = []
    num_pending, num_tokens = 0, 0
    for documents in batches:
        num_tokens += documents.num_tokens
        runs.append(np.unique(CentredScheme.keys(documents), return_counts=True))
        num_pending += len(runs[-1][0])
        if num_pending > _PENDING_KEYS:
            runs = [_merge_runs(runs)]
            num_pending = 0  # what has been merged already does not count: else each batch would merge again
    keys, counts = _merge_runs(runs)
    kept = (counts >= min_count) | (keys >= rung_start(Rung.UNIGRAM))
    return keys[kept], counts[kept], num_tokens


def _merge_runs(
    runs: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    if not runs:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    all_keys = np.concatenate([keys for keys, _ in runs])
    order = np.argsort(all_keys, kind="stable")
    all_keys, all_counts = all_keys[order], np.concatenate([counts for _, counts in runs])[order]
    starts = np.flatnonzero(np.concatenate(([True], all_keys[1:] != all_keys[:-1])))[: len(all_keys)]
    return all_keys[starts], np.add.reduceat(all_counts, starts) if len(starts) else all_counts


class _Sums:
    """Sums of states by row. Most rows are seen too seldom for their sums to leave 32 bits."""

    def __init__(self, counts: npt.NDArray[np.int64], hidden: int) -> None:
        is_wide = counts >= _NARROW_COUNT
        num_wide = int(is_wide.sum())
        self._place = np.where(is_wide, np.negative(np.cumsum(is_wide)), np.cumsum(~is_wide) - 1)
        self._narrow = np.zeros((len(counts) - num_wide, hidden), np.int32)
        self._wide = np.zeros((num_wide, hidden), np.int64)
        self.squares = np.zeros(len(counts), np.int64)

    def add(self, rows: npt.NDArray[np.int64], states: npt.NDArray[np.float32]) -> None:
        if states.shape != (rows.shape[1], self._narrow.shape[1]):
            raise InvalidInput(f"states are {states.shape}, wanted {(rows.shape[1], self._narrow.shape[1])}")
        fixed = to_fixed(states)
        token_squares = np.einsum("th,th->t", fixed, fixed, dtype=np.int64)
        kernels.accumulate(rows, fixed, token_squares, self._place, self._narrow, self._wide, self.squares)

    def means(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:  # [num_rows, hidden]
        means = np.empty((len(counts), self._narrow.shape[1]), np.int16)
        for start in range(0, len(counts), _CHUNK_ROWS):
            place = self._place[start : start + _CHUNK_ROWS]
            sums = np.empty((len(place), means.shape[1]), np.int64)
            sums[place >= 0] = self._narrow[place[place >= 0]]
            sums[place < 0] = self._wide[-1 - place[place < 0]]
            means[start : start + len(place)] = rounded_mean(sums, counts[start : start + len(place)])
        return means
