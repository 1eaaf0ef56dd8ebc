"""Which rows a training step takes: shuffled each epoch, like lengths together, a function of the seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

POOL_BATCHES = 16
"""Batches whose rows are sorted by length together: larger is faster, smaller is more random."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The batches of every epoch of one training. Nothing is stored: a resumed run gets the same again."""

    lengths: npt.NDArray[np.int64]  # [num_rows] tokens
    batch_rows: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        return -(-len(self.lengths) // self.batch_rows)

    def epoch(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """Every row once, in steps_per_epoch batches; inside a batch, rows stand by rising length."""
        random = np.random.default_rng([self.seed, epoch])
        order = random.permutation(len(self.lengths))
        pool_rows = POOL_BATCHES * self.batch_rows
        batches = [
            batch
            for start in range(0, len(order), pool_rows)
            for batch in in_batches(order[start : start + pool_rows], self.lengths, self.batch_rows)
        ]
        return [batches[place] for place in random.permutation(len(batches))]


def in_batches(
    rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64], batch_rows: int
) -> list[npt.NDArray[np.int64]]:
    """``rows`` by rising length, cut into batches."""
    by_length = rows[np.argsort(lengths[rows], kind="stable")]
    return [by_length[start : start + batch_rows] for start in range(0, len(by_length), batch_rows)]
