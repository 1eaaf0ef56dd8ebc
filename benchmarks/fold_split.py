"""Which rows of a bench task train, validate and test, fold by fold."""

from collections.abc import Sequence

import numpy as np

from benchmarks.common import BenchTask
from hmi.build.data import LabelledRow
from hmi.build.split import Split

MIN_VALIDATION_ROWS = 150


class FoldSplit:
    """The split that the data's README asks for, of rows that are shuffled already; of several folds, each
    has its own stretch of test rows, and validates on the rows before it. Training rows may be fewer."""

    def __init__(self, task: BenchTask, fold: int, num_folds: int, max_train: int | None) -> None:
        self._task = task
        self._max_train = max_train
        num_rows = len(task.rows)
        bounds = np.linspace(0, num_rows, num_folds + 1).astype(np.int64)
        self._first_test = int(bounds[fold]) if num_folds > 1 else num_rows - task.num_test
        self._num_test = int(bounds[fold + 1]) - self._first_test

    def __call__(self, rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
        # From the first row after the test rows, round the end, up to the last one before them.
        others = [
            (self._first_test + self._num_test + at) % len(rows) for at in range(len(rows) - self._num_test)
        ]
        before_validation = len(others) - self._task.num_validation
        num_train = min(before_validation, self._max_train or before_validation)
        # With few training rows no tenant has many to validate on, but fewer than this decide nothing.
        scaled = round(self._task.num_validation * num_train / before_validation)
        num_validation = min(self._task.num_validation, max(MIN_VALIDATION_ROWS, scaled))
        return Split(
            train=tuple(others[:num_train]),
            validation=tuple(others[before_validation : before_validation + num_validation]),
            test=tuple(range(self._first_test, self._first_test + self._num_test)),
        )
