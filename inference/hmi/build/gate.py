"""The gate before a tree version: which tasks does it make worse, by more than chance?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SIGNIFICANCE = 0.05
"""Chance that any task at all is held back although it loses nothing."""


@dataclass(frozen=True, slots=True)
class Paired:
    """The same rows answered before and after."""

    num_lost: int  # right before, wrong after
    num_won: int  # wrong before, right after


def loss_p_values(tasks: Sequence[Paired]) -> list[float]:
    """For each task the chance of losing so many of its changed rows when a change is a coin's throw.

    Corrected for the number of tasks (Holm's step-down): compare them with SIGNIFICANCE as they are.
    """
    plain = [_sign_test(task) for task in tasks]
    corrected = [1.0] * len(plain)
    largest = 0.0
    for rank, task in enumerate(sorted(range(len(plain)), key=plain.__getitem__)):
        largest = max(largest, min(1.0, plain[task] * (len(plain) - rank)))
        corrected[task] = largest
    return corrected


def _sign_test(task: Paired) -> float:
    changed = task.num_lost + task.num_won
    at_least = sum(math.comb(changed, lost) for lost in range(task.num_lost, changed + 1))
    return float(at_least / 2**changed)
