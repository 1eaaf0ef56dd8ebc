"""Where a model is good and where not: by length of the texts and by what PLOT knew of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from hmi.build.metrics import Indices, bootstrap_accuracy, bootstrap_rows

NUM_SLICES = 3
MIN_ROWS = 10
"""A slice with fewer rows tells nothing: its neighbours take them in."""


class SliceKind(StrEnum):
    """What rows are ordered by."""

    LENGTH = "length"  # characters
    COVERAGE = "coverage"  # share of tokens that PLOT knew in a context of two or three


@dataclass(frozen=True, slots=True)
class Slice:
    """The held-out rows whose measure lies in low..high, both included."""

    kind: SliceKind
    low: float
    high: float
    rows: int
    accuracy: float
    accuracy_ci95: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ErrorSlice:
    """As Slice, of rows that are answered with a number: how far off it is, in the data's units."""

    kind: SliceKind
    low: float
    high: float
    rows: int
    mae: float  # mean absolute error
    mae_ci95: tuple[float, float]


def slices(
    kind: SliceKind, measure: Sequence[float], correct: npt.NDArray[np.bool_], *, seed: int
) -> tuple[Slice, ...]:
    """The rows in thirds by ``measure``; equal values stay together, so there may be fewer slices."""
    values = np.asarray(measure, np.float64)
    found = []
    for chosen in _thirds(values):
        interval = bootstrap_accuracy(correct[chosen], seed=seed)
        found.append(
            Slice(
                kind,
                low=float(values[chosen].min()),
                high=float(values[chosen].max()),
                rows=len(chosen),
                accuracy=float(correct[chosen].mean()),
                accuracy_ci95=(interval.low, interval.high),
            )
        )
    return tuple(found)


def error_slices(
    kind: SliceKind, measure: Sequence[float], errors: npt.NDArray[np.float64], *, seed: int
) -> tuple[ErrorSlice, ...]:
    """As slices(); ``errors`` [rows] are absolute."""
    values = np.asarray(measure, np.float64)
    found = []
    for chosen in _thirds(values):
        of_slice = errors[chosen]
        interval = bootstrap_rows(_mean_of(of_slice), len(of_slice), seed=seed)
        found.append(
            ErrorSlice(
                kind,
                low=float(values[chosen].min()),
                high=float(values[chosen].max()),
                rows=len(chosen),
                mae=float(of_slice.mean()),
                mae_ci95=(interval.low, interval.high),
            )
        )
    return tuple(found)


def _mean_of(errors: npt.NDArray[np.float64]) -> Callable[[Indices], float]:
    return lambda rows: float(errors[rows].mean())


def _thirds(values: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    order = np.argsort(values, kind="stable")
    starts = [0]
    for number in range(1, NUM_SLICES):
        # A boundary never parts equal values.
        start = int(np.searchsorted(values[order], values[order[number * len(order) // NUM_SLICES]]))
        if start - starts[-1] >= MIN_ROWS and len(order) - start >= MIN_ROWS:
            starts.append(start)
    return np.split(order, starts[1:])
