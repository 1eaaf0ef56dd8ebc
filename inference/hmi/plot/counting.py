"""First pass over text: which n-grams there are, how often; on the disk where memory does not hold them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.plot.ngram import CentredScheme, Documents, Rung, rung_start

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
Run = tuple[Keys, Counts]
"""Different keys, sorted, with their counts."""

MAX_BYTES = 512 << 20
"""Memory that a build may take for what it has not yet written down."""
_PENDING_BYTES = (
    64  # of one key that waits to be merged: itself, its count, and the copies that merging makes
)


@dataclass(frozen=True, slots=True)
class Work:
    """A folder for what does not fit in memory, and how much may be in memory at a time."""

    folder: Path
    max_bytes: int = MAX_BYTES
    keep_tokens: int = 1 << 16  # after so many what is computed is safely down: a killed build loses no more


def count_ngrams(
    batches: Iterable[Documents], min_count: int, work: Work | None = None
) -> tuple[Keys, Counts, int]:
    """The n-grams to keep, sorted, with their counts, and the number of tokens.

    All unigrams are kept, and the others that occur at least ``min_count`` times. With ``work``, sorted runs
    wait in its folder and what is returned is mapped from files there; without, all of it is in memory.
    """
    max_pending = (MAX_BYTES if work is None else work.max_bytes) // _PENDING_BYTES
    runs: list[Run] = []
    written: list[Run] = []
    num_pending, num_tokens = 0, 0
    for documents in batches:
        num_tokens += documents.num_tokens
        runs.append(np.unique(CentredScheme.keys(documents), return_counts=True))
        num_pending += len(runs[-1][0])
        if num_pending > max_pending:
            merged = merge_runs(runs)
            num_pending = 0  # what has been merged already does not count: else each batch would merge again
            if work is None:
                runs = [merged]
            else:
                runs = []
                written.append(_write(merged, work.folder, f"run-{len(written)}"))
    last = merge_runs(runs)
    if work is None:
        return *_kept(last, min_count), num_tokens
    blocks = merged_blocks([*written, last], max_keys=max(max_pending, 1))
    keys, counts = _write_blocks((_kept(block, min_count) for block in blocks), work.folder, "kept")
    for number in range(len(written)):
        _delete(work.folder, f"run-{number}")
    return keys, counts, num_tokens


def merge_runs(runs: Sequence[Run]) -> Run:
    """The runs' keys together, each once, with their counts added up."""
    if not runs:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    all_keys = np.concatenate([keys for keys, _ in runs])
    order = np.argsort(all_keys, kind="stable")
    all_keys, all_counts = all_keys[order], np.concatenate([counts for _, counts in runs])[order]
    starts = np.flatnonzero(np.concatenate(([True], all_keys[1:] != all_keys[:-1])))[: len(all_keys)]
    return all_keys[starts], np.add.reduceat(all_counts, starts) if len(starts) else all_counts


def merged_blocks(
    runs: "Sequence[tuple[Keys, Counts | npt.NDArray[np.uint32]]]", *, max_keys: int
) -> Iterator[Run]:
    """merge_runs a block at a time, of about ``max_keys`` keys before merging; blocks stand in order."""
    places = [0] * len(runs)
    share = max(max_keys // max(len(runs), 1), 1)
    while open_runs := [at for at, (keys, _) in enumerate(runs) if places[at] < len(keys)]:
        # No run that is not read to its end has a key up to the limit behind what is taken here.
        limit = min(runs[at][0][min(places[at] + share, len(runs[at][0])) - 1] for at in open_runs)
        block: list[Run] = []
        for at in open_runs:
            keys, counts = runs[at]
            window = slice(places[at], places[at] + share)
            num_taken = int(np.searchsorted(keys[window], limit, side="right"))
            taken = slice(places[at], places[at] + num_taken)
            block.append((np.array(keys[taken]), counts[taken].astype(np.int64)))
            places[at] += num_taken
        yield merge_runs(block)


def mapped(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> npt.NDArray[np.generic]:
    """A file of plain numbers, read when it is touched. A mapping of no bytes is not possible: zeros then."""
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, mode="r", shape=shape)


def _kept(run: Run, min_count: int) -> Run:
    keys, counts = run
    kept = (counts >= min_count) | (keys >= rung_start(Rung.UNIGRAM))
    return keys[kept], counts[kept]


def _write(run: Run, folder: Path, name: str) -> Run:
    return _write_blocks([run], folder, name)


def _write_blocks(blocks: Iterable[Run], folder: Path, name: str) -> Run:
    num_rows = 0
    with (folder / f"{name}.keys").open("wb") as keys, (folder / f"{name}.counts").open("wb") as counts:
        for block_keys, block_counts in blocks:
            keys.write(block_keys.tobytes())
            counts.write(block_counts.astype(np.int64).tobytes())
            num_rows += len(block_keys)
    return (
        mapped(folder / f"{name}.keys", np.uint64, (num_rows,)),  # type: ignore[return-value]  # of that type
        mapped(folder / f"{name}.counts", np.int64, (num_rows,)),
    )


def _delete(folder: Path, name: str) -> None:
    (folder / f"{name}.keys").unlink()
    (folder / f"{name}.counts").unlink()
