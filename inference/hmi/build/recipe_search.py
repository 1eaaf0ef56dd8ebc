"""Which learning rate, rank and number of epochs? Successive halving, judged on validation rows alone."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from hmi.build.settled_recipe import settled
from wire.training import Recipe

RATE_FACTORS = (1 / 3, 1.0, 3.0)
RANK_FACTORS = (0.5, 1.0, 2.0)
EPOCH_FACTORS = (0.5, 1.0, 2.0)
MAX_RATE = 0.1
MAX_RANK = 32
MIN_ROWS = 128
"""Training rows of the first round, if there are so many: on fewer every candidate looks alike."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate in one round: what it reached on the validation rows after ``rows`` training rows."""

    round: int  # 1, 2, ...
    learning_rate: float
    rank: int
    epochs: int
    rows: int
    validation_accuracy: float
    is_kept: bool  # for the next round; of the last one: it is the recipe


@dataclass(frozen=True, slots=True)
class RecipeSearch:
    """What a search tried, in order, and what it chose."""

    recipe: Recipe
    trials: tuple[Trial, ...]
    is_cut_short: bool  # there was no time for all of it


@dataclass(frozen=True, slots=True)
class Round:
    """So many candidates train on a share of the rows; half of them go on."""

    number: int
    num_candidates: int
    share: float

    def rows_of(self, num_rows: int) -> int:
        """How many of the training rows that is."""
        return max(min(MIN_ROWS, num_rows), round(self.share * num_rows))


class Measure(Protocol):
    """Trains a candidate on the part's share of the rows, the first in a fixed random order; its accuracy on
    the validation rows. Called again with the same after a kill, it goes on."""

    def __call__(self, recipe: Recipe, part: Round, place: int) -> float: ...

    def is_done(self, part: Round, place: int) -> bool:
        """Whether that trial ended before, in an earlier process: calling takes no time then."""


def search_recipe(
    recipe: Recipe, *, num_rows: int, measure: Measure, is_over: Callable[[], bool]
) -> RecipeSearch:
    """The best of ``recipe.search`` candidates near ``recipe``, which is one of them.

    Each round costs about as much as one training. ``is_over`` is asked before each trial but the first
    and those that are done: then the best so far is taken. Of equals the earlier candidate goes on.
    """
    left = candidates(recipe, num_rows=num_rows)
    trials: list[Trial] = []
    for part in rounds(len(left)):
        scores: list[float] = []
        for place, candidate in enumerate(left):
            if trials and not measure.is_done(part, place) and is_over():
                return _cut_short(left, scores, trials)
            scores.append(measure(candidate, part, place))
            trials.append(_trial(candidate, part, part.rows_of(num_rows), scores[-1]))
        kept = _best(scores, math.ceil(len(left) / 2))
        first = len(trials) - len(left)
        for place in kept:
            trials[first + place] = replace(trials[first + place], is_kept=True)
        left = [left[place] for place in kept]
    return RecipeSearch(left[0], tuple(trials), is_cut_short=False)


def candidates(recipe: Recipe, *, num_rows: int) -> list[Recipe]:
    """``recipe``, which is settled for ``num_rows`` training rows, first, then others near it, in an order
    that its seed alone decides; no two of which all rows would be trained on alike."""
    near = dict.fromkeys(
        _near(recipe, *factors, num_rows=num_rows)
        for factors in itertools.product(RATE_FACTORS, RANK_FACTORS, EPOCH_FACTORS)
    )
    near.pop(recipe, None)
    others = list(near)
    order = np.random.default_rng(recipe.seed).permutation(len(others)).tolist()
    return [recipe, *(others[place] for place in order[: max(0, recipe.search - 1)])]


def rounds(num_candidates: int) -> list[Round]:
    """Half of the candidates and twice the rows each time; the last one's winner then trains on all rows."""
    number = math.ceil(math.log2(num_candidates)) if num_candidates > 1 else 0
    found = []
    for place in range(number):
        found.append(Round(place + 1, num_candidates, 0.5 ** (number - place)))
        num_candidates = math.ceil(num_candidates / 2)
    return found


def _near(recipe: Recipe, rate: float, rank: float, epochs: float, *, num_rows: int) -> Recipe:
    new_rank = min(MAX_RANK, max(1, round(rank * recipe.rank)))
    near = replace(
        recipe,
        learning_rate=min(MAX_RATE, rate * recipe.learning_rate),
        rank=new_rank,
        alpha=recipe.alpha * new_rank / recipe.rank,  # the same scale
        epochs=max(1, round(epochs * recipe.epochs)),
    )
    return replace(near, epochs=settled(near, num_rows=num_rows).epochs)


def _trial(candidate: Recipe, part: Round, num_rows: int, accuracy: float) -> Trial:
    return Trial(
        round=part.number,
        learning_rate=candidate.learning_rate,
        rank=candidate.rank,
        epochs=candidate.epochs,
        rows=num_rows,
        validation_accuracy=accuracy,
        is_kept=False,
    )


def _best(scores: Sequence[float], number: int) -> list[int]:
    """Places of the highest scores, in the order of the candidates."""
    return sorted(sorted(range(len(scores)), key=lambda place: -scores[place])[:number])


def _cut_short(left: Sequence[Recipe], scores: Sequence[float], trials: list[Trial]) -> RecipeSearch:
    """The best of this round so far; where it has just begun, the best of the round before that goes on."""
    if scores:
        (place,) = _best(scores, 1)
        number = len(trials) - len(scores) + place
    else:
        last = trials[-1].round
        kept = [n for n, trial in enumerate(trials) if trial.round == last and trial.is_kept]
        number = max(kept, key=lambda n: trials[n].validation_accuracy)
        place = kept.index(number)
    trials[number] = replace(trials[number], is_kept=True)
    return RecipeSearch(left[place], tuple(trials), is_cut_short=True)
