"""Which rows a node keeps when it may take so many bytes: those worth most, or those seen most."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from hmi.base.errors import BudgetExceeded
from hmi.plot.counting import Work
from hmi.plot.mapped import let_go, scattered_rows, zeros
from hmi.plot.ngram import NgramScheme

INDEX_BYTES = 12  # of one slot: its key and its row
_CHUNK_ROWS = 1 << 16
ROW_BYTES = 8  # of one row beside its codes: scale and count


class KeepBy(StrEnum):
    """What decides. Frequency is the baseline."""

    WORTH = "worth"
    FREQUENCY = "frequency"


@dataclass(frozen=True, slots=True)
class NodeBudget:
    """What one node's table may take on the disk and in memory."""

    max_bytes: int
    keep_by: KeepBy = KeepBy.WORTH


def node_budget(max_bytes: int | None) -> NodeBudget | None:
    """That of a job, which keeps rows by worth; None: all rows stay."""
    return None if max_bytes is None else NodeBudget(max_bytes)


def worth(
    counts: npt.NDArray[np.float32],
    means: npt.NDArray[np.float32],
    priors: npt.NDArray[np.float32],
    within: float,
) -> npt.NDArray[np.float64]:
    """``n * ||mean - prior||²`` less the noise expected of n samples, [rows].

    ``within`` is the variance of one occurrence, pooled over the rung: a mean of n has within / n of it, and
    n times that is what chance alone puts between mean and prior.
    """
    squared: npt.NDArray[np.float64] = ((means - priors) ** 2).sum(axis=1, dtype=np.float64)
    return counts * squared - within


def table_bytes(num_rows: int, hidden: int) -> int:
    """What a table of so many rows takes, its index and scales included: PlotTable.num_bytes."""
    num_slots = num_rows + num_rows // 2 + 1
    return num_rows * (hidden + ROW_BYTES) + num_slots * INDEX_BYTES + 4 * hidden


def most_rows(max_bytes: int, hidden: int) -> int:
    """How many rows a table of so many bytes has at most, its index and scales included."""
    # rows * (hidden + 8) + slots * 12 + hidden * 4, where slots = rows + rows // 2 + 1: an odd number has
    # half a slot less than is divided by here, and so there may be room for one more.
    left = max_bytes - 4 * hidden - INDEX_BYTES
    most = max(2 * left // (2 * (hidden + ROW_BYTES) + 3 * INDEX_BYTES), 0)
    return most + (table_bytes(most + 1, hidden) <= max_bytes)


def rows_to_keep(
    scheme: NgramScheme,
    keys: npt.NDArray[np.uint64],
    scores: npt.NDArray[np.float64],
    *,
    num_always: int,
    budget: NodeBudget,
    hidden: int,
    work: Work | None = None,
) -> npt.NDArray[np.int64]:
    """Numbers of the rows to keep, rising; ``keys`` are sorted. inf is always kept, ``num_always`` such rows.

    What is kept is closed: the parts of an n-gram's back-off count for as much as the best that needs them.
    So pruning changes no row that stays. With ``work``, what is held of every row waits in its folder, and
    memory goes with the rows that stay. Raises BudgetExceeded when not even the rows that must stay fit.
    """
    most = most_rows(budget.max_bytes, hidden)
    if num_always > most:
        needed = table_bytes(num_always, hidden)
        raise BudgetExceeded(
            f"a root needs {needed} bytes for its {num_always} vocabulary rows alone, its budget is "
            f"{budget.max_bytes}",
            needed_bytes=needed,
            free_bytes=budget.max_bytes,
        )
    if most >= len(keys):
        return np.arange(len(keys))
    return _best(scheme, keys, _lifted(scheme, keys, scores, work), most)


def _best(
    scheme: NgramScheme, keys: npt.NDArray[np.uint64], scores: npt.NDArray[np.float64], most: int
) -> npt.NDArray[np.int64]:
    """The rows of the ``most`` highest scores, rising; of equals the shorter, then the smaller key."""
    found, waiting = _Found.none(), [_Found.none()]
    for rung in range(len(scheme.rungs)):
        for rows in _chunks(scheme.rung_rows(keys, rung)):
            numbers = np.arange(rows.start, rows.stop)
            waiting.append(_Found(numbers, np.full(len(numbers), rung, np.int8), np.array(scores[rows])))
            if sum(len(one.rows) for one in waiting) >= max(most, _CHUNK_ROWS):
                found, waiting = _Found.best((found, *waiting), most), []
                let_go(scores)
    return np.sort(_Found.best((found, *waiting), most).rows)


@dataclass(frozen=True, slots=True)
class _Found:
    """Some rows that may stay."""

    rows: npt.NDArray[np.int64]
    rungs: npt.NDArray[np.int8]
    scores: npt.NDArray[np.float64]

    @classmethod
    def none(cls) -> "_Found":
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.float64))

    @classmethod
    def best(cls, of: "Sequence[_Found]", most: int) -> "_Found":
        rows, rungs, scores = (
            np.concatenate([getattr(one, name) for one in of]) for name in ("rows", "rungs", "scores")
        )
        order = np.lexsort((rows, -rungs, -scores))[:most]
        return cls(rows[order], rungs[order], scores[order])


def _lifted(
    scheme: NgramScheme,
    keys: npt.NDArray[np.uint64],
    scores: npt.NDArray[np.float64],
    work: Work | None,
) -> npt.NDArray[np.float64]:
    """Of each row the best of its own score and of those that need it."""
    lifted = zeros(np.float64, scores.shape, None if work is None else work.folder)
    num_scattered = _CHUNK_ROWS if work is None else scattered_rows(work.max_bytes, keys, lifted)
    for rows in _chunks(slice(0, len(scores))):
        lifted[rows] = scores[rows]
        let_go(lifted, scores)
    for rung in range(len(scheme.rungs)):  # the longest first: what they need, their parts need in turn
        for rows in _chunks(scheme.rung_rows(keys, rung), min(num_scattered, _CHUNK_ROWS)):
            for part in scheme.parts(keys, rows, rung):
                np.maximum.at(lifted, part.rows, lifted[rows])
            let_go(lifted, keys)
    return lifted


def _chunks(rows: slice, num_rows: int = _CHUNK_ROWS) -> Iterator[slice]:
    for start in range(rows.start, rows.stop, num_rows):
        yield slice(start, min(start + num_rows, rows.stop))
