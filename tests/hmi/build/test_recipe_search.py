"""Successive halving over recipes, without a model."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hmi.build.recipe_search import MIN_ROWS, RecipeSearch, Round, candidates, rounds, search_recipe
from hmi.build.settled_recipe import settled
from wire.training import Recipe

RECIPE = Recipe(search=8)


@dataclass
class Bench:
    """Scores recipes by a rule, and keeps what was asked."""

    score: Callable[[Recipe], float]
    asked: list[tuple[Recipe, Round]] = field(default_factory=list)
    max_trials: int = 1000
    num_done: int = 0  # of an earlier process

    def __call__(self, recipe: Recipe, part: Round, place: int) -> float:
        self.asked.append((recipe, part))
        return self.score(recipe)

    def is_done(self, part: Round, place: int) -> bool:
        return len(self.asked) < self.num_done

    def is_over(self) -> bool:
        return len(self.asked) >= self.max_trials


def test_it_finds_the_best_candidate_with_the_budget_of_a_few_trainings() -> None:
    bench = Bench(lambda recipe: recipe.learning_rate + recipe.rank / 1000)
    found = search_recipe(RECIPE, num_rows=4096, measure=bench, is_over=bench.is_over)
    assert found.recipe == max(candidates(RECIPE, num_rows=4096), key=bench.score)
    assert not found.is_cut_short
    assert [(trial.round, trial.rows) for trial in found.trials] == [(1, 512)] * 8 + [(2, 1024)] * 4 + [
        (3, 2048)
    ] * 2
    assert sum(trial.rows for trial in found.trials) == 3 * 4096
    assert sum(trial.is_kept for trial in found.trials) == 4 + 2 + 1
    assert [trial.is_kept for trial in found.trials if trial.learning_rate == found.recipe.learning_rate]


def test_of_equals_the_recipe_that_was_asked_for_stays() -> None:
    bench = Bench(lambda recipe: 0.5)
    assert search_recipe(RECIPE, num_rows=1000, measure=bench, is_over=bench.is_over).recipe == RECIPE


def test_candidates_differ_stay_near_and_depend_on_the_seed_alone() -> None:
    found = candidates(RECIPE, num_rows=4096)
    assert found[0] == RECIPE
    assert len(set(found)) == 8
    assert candidates(RECIPE, num_rows=4096) == found
    assert {recipe.alpha / recipe.rank for recipe in found} == {2.0}
    assert all(
        recipe.rank in (4, 8, 16) and recipe.epochs in (2, 3, 6) and 4e-4 < recipe.learning_rate < 6e-3
        for recipe in found
    )
    assert candidates(Recipe(search=8, seed=2), num_rows=4096) != found


@pytest.mark.parametrize("num_rows", [40, 160, 1000])
def test_no_two_candidates_are_one_training(num_rows: int) -> None:
    """Few rows have more epochs, until there are steps enough: half as many would be as many again."""
    recipe = settled(Recipe(search=27), num_rows=num_rows)
    found = candidates(recipe, num_rows=num_rows)
    trained = [settled(one, num_rows=num_rows) for one in found]
    assert found[0] == recipe and len(set(trained)) == len(trained) >= 18
    assert [one.epochs for one in trained] == [one.epochs for one in found]


@pytest.mark.parametrize("max_trials", range(1, 14))
def test_when_time_is_over_the_best_so_far_is_taken(max_trials: int) -> None:
    bench = Bench(lambda recipe: recipe.learning_rate * recipe.rank, max_trials=max_trials)
    found = search_recipe(RECIPE, num_rows=4096, measure=bench, is_over=bench.is_over)
    assert found.is_cut_short
    assert len(found.trials) == max_trials
    tried = [recipe for recipe, _ in bench.asked]
    last = bench.asked[-1][1].number
    of_last = [recipe for recipe, part in bench.asked if part.number == last]
    assert found.recipe in of_last
    assert bench.score(found.recipe) == max(map(bench.score, of_last))
    assert found.recipe in tried


@pytest.mark.parametrize("num_done", [1, 5, 9, 13])
def test_what_an_earlier_process_has_tried_counts_though_no_time_is_left(num_done: int) -> None:
    """It was paused, say, and its cap is reached: the same is taken as if it had gone on to there."""

    def searched(bench: Bench) -> RecipeSearch:
        return search_recipe(RECIPE, num_rows=4096, measure=bench, is_over=bench.is_over)

    def score(recipe: Recipe) -> float:
        return recipe.learning_rate * recipe.rank

    paused = searched(Bench(score, max_trials=0, num_done=num_done))
    assert paused == searched(Bench(score, max_trials=num_done))
    assert len(paused.trials) == num_done


@pytest.mark.parametrize("search", [0, 1])
def test_a_search_of_none_or_one_tries_nothing(search: int) -> None:
    bench = Bench(lambda recipe: 0.5)
    recipe = Recipe(search=search)
    found = search_recipe(recipe, num_rows=1000, measure=bench, is_over=bench.is_over)
    assert (found.recipe, found.trials, bench.asked) == (recipe, (), [])


def test_few_rows_are_not_cut_into_fewer() -> None:
    assert [part.rows_of(200) for part in rounds(8)] == [MIN_ROWS] * 3
    assert [part.rows_of(60) for part in rounds(4)] == [60, 60]
    assert [part.num_candidates for part in rounds(5)] == [5, 3, 2]
