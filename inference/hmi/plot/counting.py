"""Counting keys: which there are, how often; on the disk where memory does not hold them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hmi.plot.mapped import blocks, let_go, mapped, zeros

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
    keep_tokens: int | None = 1 << 16
    """After so many, states are safely down: a killed build loses no more. None: whoever gives the states has
    them at hand, and is asked anew for every range of rows that fits in memory."""


# Two counts in one number, so that runs are added up as if there were one:
#   bits 63..32   occurrences that touch a span         31..0   all occurrences
_COUNT_BITS = 32
_COUNT_MASK = (1 << _COUNT_BITS) - 1


def run_of(keys: Keys, touching: npt.NDArray[np.bool_] | None = None) -> Run:
    """Keys of any shape, each as often as it occurs; those that are ``touching`` a span are counted for
    in_span, too."""
    run = np.unique(keys, return_counts=True)
    if touching is None or not touching.any():
        return run
    in_span, counts = np.unique(keys[touching], return_counts=True)
    return merge_runs([run, (in_span, counts << _COUNT_BITS)])


def all_of(counts: Counts) -> Counts:
    """Of a run's counts, all occurrences."""
    return counts & _COUNT_MASK


def in_span(counts: Counts) -> Counts:
    """Of a run's counts, the occurrences that touch a span."""
    return counts >> _COUNT_BITS


def outside_of(counts: Counts) -> Counts:
    """Of a run's counts, the occurrences that touch no span."""
    return all_of(counts) - in_span(counts)


def unpacked(run: Run, work: Work | None) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32] | None]:
    """Of a run's counts, all occurrences, and those that touch a span, [n]; None: none does. With ``work`` in
    files of its folder."""
    folder = None if work is None else work.folder
    every, touching = (zeros(np.uint32, run[1].shape, folder) for _ in range(2))
    has_touching, start = False, 0
    for counts in blocks(run[1]):
        part = slice(start, start + len(counts))
        every[part], touching[part] = all_of(counts), in_span(counts)
        has_touching |= bool(touching[part].any())
        let_go(every, touching)
        start = part.stop
    return every, touching if has_touching else None


def count_keys(
    batches: Iterable[Run],
    is_kept: Callable[[Run], npt.NDArray[np.bool_]],
    work: Work | None = None,
    name: str = "kept",
) -> Run:
    """The keys to keep, sorted, with their counts in all ``batches``; ``is_kept`` sees a key with that count.

    With ``work``, sorted runs wait in its folder and what is returned is mapped from files there, which are
    named ``name``; without, all of it is in memory.
    """
    max_pending = (MAX_BYTES if work is None else work.max_bytes) // _PENDING_BYTES
    runs: list[Run] = []
    written: list[Run] = []
    num_pending = 0
    for batch in batches:
        runs.append(batch)
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
        return _chosen(last, is_kept)
    merged_runs = merged_blocks([*written, last], max_keys=max(max_pending, 1))
    kept = _write_runs((_chosen(run, is_kept) for run in merged_runs), work.folder, name)
    for number in range(len(written)):
        _delete(work.folder, f"run-{number}")
    return kept


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
            let_go(keys, counts)
        yield merge_runs(block)


def joined(runs: Sequence[Run], work: Work | None, name: str) -> Run:
    """Runs whose keys follow on one another, as one; ``work`` and ``name`` as in count_keys."""
    if work is None:
        return np.concatenate([keys for keys, _ in runs]), np.concatenate([counts for _, counts in runs])
    of_runs = (zip(blocks(keys), blocks(counts), strict=True) for keys, counts in runs)
    return _write_runs(chain.from_iterable(of_runs), work.folder, name)


def _chosen(run: Run, is_kept: Callable[[Run], npt.NDArray[np.bool_]]) -> Run:
    kept = is_kept(run)
    return run[0][kept], run[1][kept]


def _write(run: Run, folder: Path, name: str) -> Run:
    return _write_runs([run], folder, name)


def _write_runs(runs: Iterable[Run], folder: Path, name: str) -> Run:
    num_rows = 0
    with (folder / f"{name}.keys").open("wb") as keys, (folder / f"{name}.counts").open("wb") as counts:
        for block_keys, block_counts in runs:
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
