"""Second pass over text: adding up the states of each kept n-gram, in memory or by way of the disk."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

from hmi.artifacts.bundle import sync
from hmi.base.errors import InvalidInput
from hmi.plot import kernels
from hmi.plot.counting import Work
from hmi.plot.fixed_point import rounded_mean, to_fixed
from hmi.plot.mapped import let_go, mapped, scratch
from hmi.plot.ngram import Documents, NgramScheme

States = Callable[[Documents], npt.NDArray[np.float32]]
"""Full-context states of the last lower layer, less position and type residuals: [num_tokens, hidden]."""
OnTokens = Callable[[int], None]
"""Told how many tokens are done."""

_NARROW_COUNT = 1 << 16  # so many states of int16 size still add up within int32
_CHUNK_ROWS = 8192
_CHUNK_TOKENS = 8192


class MemorySums:
    """Sums of states by row. Most rows are seen too seldom for their sums to leave 32 bits."""

    def __init__(self, counts: npt.NDArray[np.uint32], hidden: int) -> None:
        is_wide = counts >= _NARROW_COUNT
        num_wide = int(is_wide.sum())
        self._place = np.where(is_wide, np.negative(np.cumsum(is_wide)), np.cumsum(~is_wide) - 1)
        self._narrow = np.zeros((len(counts) - num_wide, hidden), np.int32)
        self._wide = np.zeros((num_wide, hidden), np.int64)
        self.squares = np.zeros(len(counts), np.int64)

    def add(self, rows: npt.NDArray[np.int64], states: npt.NDArray[np.float32]) -> None:
        """``rows`` [rungs, num_tokens], -1 where the n-gram is not kept."""
        fixed = checked_fixed(states, rows.shape[1], self._narrow.shape[1])
        kernels.accumulate(rows, fixed, _squares(fixed), self._place, self._narrow, self._wide, self.squares)

    def means(self, counts: npt.NDArray[np.uint32]) -> npt.NDArray[np.int16]:  # [num_rows, hidden]
        means = np.empty((len(counts), self._narrow.shape[1]), np.int16)
        for start in range(0, len(counts), _CHUNK_ROWS):
            place = self._place[start : start + _CHUNK_ROWS]
            sums = np.empty((len(place), means.shape[1]), np.int64)
            sums[place >= 0] = self._narrow[place[place >= 0]]
            sums[place < 0] = self._wide[-1 - place[place < 0]]
            means[start : start + len(place)] = rounded_mean(sums, counts[start : start + len(place)])
        return means


class _Done(msgspec.Struct, frozen=True):
    num_tokens: int


class SpilledStates:
    """States of all tokens in a file, added up afterwards a range of rows at a time.

    ::

        states   int16 [num_tokens, hidden] in 1/1024        rows   int32 [num_tokens, rungs], -1: not kept

    ``done.json`` says how many tokens of both are safely on the disk: a build that was killed goes on there.
    A state takes ``2 * hidden + 4 * rungs`` bytes of disk; adding up reads the files once for every
    ``max_bytes / (8 * hidden)`` rows.
    """

    def __init__(self, work: Work, hidden: int, scheme: NgramScheme) -> None:
        assert work.keep_tokens is not None, "else they are not kept here"
        self._work, self._hidden, self._scheme = work, hidden, scheme
        self._keep_tokens = work.keep_tokens
        self._num_rungs = len(scheme.rungs)
        self._states, self._rows = work.folder / "states", work.folder / "rows"

    def write(
        self, batches: Iterable[Documents], keys: npt.NDArray[np.uint64], states: States, on_tokens: OnTokens
    ) -> int:
        """Compute and write what is not there yet; the number of tokens of all batches."""
        num_done, num_seen = self._num_done(), 0
        with self._states.open("ab") as state_file, self._rows.open("ab") as row_file:
            state_file.truncate(num_done * self._hidden * 2)
            row_file.truncate(num_done * self._num_rungs * 4)
            num_kept = num_done
            for documents in batches:
                num_seen += documents.num_tokens
                if num_seen > num_done:
                    rows = self._scheme.rows(documents, keys)
                    fixed = checked_fixed(states(documents), documents.num_tokens, self._hidden)
                    state_file.write(fixed.astype(np.int16).tobytes())
                    row_file.write(rows.T.astype(np.int32).tobytes())
                    if num_seen - num_kept >= self._keep_tokens:
                        self._keep(num_seen, state_file, row_file)
                        num_kept = num_seen
                    on_tokens(num_seen)
            self._keep(num_seen, state_file, row_file)
        return num_seen

    def add_up(self, counts: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16]]:
        """Squares [num_rows], and means [num_rows, hidden] mapped from a file."""
        num_tokens, num_rows = self._num_done(), len(counts)
        most = max(self._work.max_bytes // (8 * self._hidden), 1)
        squares = scratch(np.int64, (num_rows,), self._work.folder)
        with (self._work.folder / "means").open("wb") as file:
            for start in range(0, num_rows, most):
                part = slice(start, min(start + most, num_rows))
                sums = np.zeros((part.stop - start, self._hidden), np.int64)
                with self._states.open("rb") as state_file, self._rows.open("rb") as row_file:
                    for _ in range(0, num_tokens, _CHUNK_TOKENS):
                        fixed = np.fromfile(state_file, np.int16, _CHUNK_TOKENS * self._hidden)
                        fixed = fixed.reshape(-1, self._hidden)
                        rows = np.fromfile(row_file, np.int32, len(fixed) * self._num_rungs)
                        kernels.accumulate_range(
                            rows.reshape(-1, self._num_rungs),
                            fixed,
                            _squares(fixed),
                            start,
                            sums,
                            squares[part],
                        )
                for first in range(0, len(sums), _CHUNK_ROWS):
                    chunk = slice(first, first + _CHUNK_ROWS)
                    file.write(rounded_mean(sums[chunk], counts[part][chunk]).tobytes())
                let_go(squares, counts)
        return squares, mapped(self._work.folder / "means", np.int16, (num_rows, self._hidden))  # type: ignore[return-value]  # int16

    @property
    def _done(self) -> Path:
        return self._work.folder / "done.json"

    def _num_done(self) -> int:
        return (
            msgspec.json.decode(self._done.read_bytes(), type=_Done).num_tokens if self._done.exists() else 0
        )

    def _keep(self, num_tokens: int, *files: BinaryIO) -> None:
        for file in files:
            file.flush()
            os.fsync(file.fileno())
        temporary = self._done.with_suffix(".part")
        temporary.write_bytes(msgspec.json.encode(_Done(num_tokens)))
        sync(temporary)
        temporary.replace(self._done)
        sync(self._done.parent)


def add_up_by_ranges(
    scheme: NgramScheme,
    batches: Iterable[Documents],
    states: States,
    keys: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.uint32],
    hidden: int,
    *,
    work: Work,
    on_tokens: OnTokens,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int16], int]:
    """Squares [num_rows], means [num_rows, hidden] mapped from a file, and the tokens of one walk.

    ``batches`` are walked, and ``states`` asked for, once for every ``max_bytes / (8 * hidden)`` rows.
    """
    num_rows, num_done = len(counts), 0
    most = max(work.max_bytes // (8 * hidden), 1)
    starts = range(0, num_rows, most)
    squares = scratch(np.int64, (num_rows,), work.folder)
    with (work.folder / "means").open("wb") as file:
        for walk, start in enumerate(starts):
            part = slice(start, min(start + most, num_rows))
            sums = np.zeros((part.stop - start, hidden), np.int64)
            num_before, num_done = num_done, 0
            for documents in batches:
                rows = np.ascontiguousarray(scheme.rows(documents, keys).T, np.int32)
                fixed = checked_fixed(states(documents), documents.num_tokens, hidden).astype(np.int16)
                kernels.accumulate_range(rows, fixed, _squares(fixed), start, sums, squares[part])
                num_done += documents.num_tokens
                on_tokens((walk * num_before + num_done) // len(starts))
            for first in range(0, len(sums), _CHUNK_ROWS):
                chunk = slice(first, first + _CHUNK_ROWS)
                file.write(rounded_mean(sums[chunk], counts[part][chunk]).tobytes())
            let_go(squares, counts)
    means = mapped(work.folder / "means", np.int16, (num_rows, hidden))
    return squares, means, num_done  # type: ignore[return-value]  # int16


def checked_fixed(states: npt.NDArray[np.float32], num_tokens: int, hidden: int) -> npt.NDArray[np.int32]:
    """to_fixed, of states of the right shape."""
    if states.shape != (num_tokens, hidden):
        raise InvalidInput(f"states are {states.shape}, wanted {(num_tokens, hidden)}")
    return to_fixed(states)


def _squares(fixed: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int64]:
    squares: npt.NDArray[np.int64] = np.einsum("th,th->t", fixed, fixed, dtype=np.int64)
    return squares
