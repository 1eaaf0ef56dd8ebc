"""Trying recipes near the one that was asked for, each by a training on some of the rows."""

from pathlib import Path

import numpy as np

from hmi.build.adapter_trainer import AdapterTrainer, LabelledStates, Order, has_finished
from hmi.build.checkpoint import load_checkpoint
from hmi.build.data_insight import PartStates
from hmi.build.planned_work import Stage
from hmi.build.recipe_search import RecipeSearch, Round, candidates, rounds, search_recipe
from hmi.build.states import SomeStates
from hmi.build.training.adapter_training import Lessons, new_adapter, training_inputs
from hmi.build.training.run import TrainingRun
from hmi.model.training_layers import step_cores
from wire.tasks import validation_metric
from wire.training import Phase, Recipe


def try_recipes(run: TrainingRun, recipe: Recipe, states: PartStates) -> RecipeSearch | None:
    """Which recipe near ``recipe`` validates best; None where it asks for no search. What an earlier process
    chose stands."""
    tried = candidates(recipe, num_rows=len(run.parts.train.rows))
    if len(tried) < 2:
        return None
    done = run.work.search()
    if done is not None:
        return done
    num_trials = sum(part.num_candidates for part in rounds(len(tried)))
    run.progress.enter(Stage.SEARCHING, f"trying {len(tried)} recipes", num_steps=num_trials)
    found = search_recipe(
        recipe,
        num_rows=len(run.parts.train.rows),
        measure=_Trials(run, states, seed=recipe.seed),
        is_over=lambda: run.stopping.order(Phase.SEARCHING) is Order.FINISH,
    )
    run.work.keep_search(found)
    return found


class _Trials:
    """A search's Measure: each trial has a checkpoint of its own."""

    def __init__(self, run: TrainingRun, states: PartStates, *, seed: int) -> None:
        self._run = run
        self._states = states
        self._order = np.random.default_rng(seed).permutation(len(run.parts.train.rows))
        self._num_done = 0

    def __call__(self, recipe: Recipe, part: Round, place: int) -> float:
        run = self._run
        trainer = AdapterTrainer(
            training_inputs(run, recipe, new_adapter(recipe, run.backbone.fields), self._lessons(part)),
            checkpoint=self._checkpoint(part, place),
            listener=lambda *step, **figures: run.progress.advance(self._num_done),
            asked=lambda: run.stopping.order(Phase.SEARCHING),
        )
        with run.stopping.interruption.deferred(), step_cores(run.dtype):
            accuracy = trainer.run().validation_accuracy
        self._num_done += 1
        run.progress.advance(
            self._num_done,
            message=f"round {part.number}, recipe {place + 1} of {part.num_candidates}: learning rate "
            f"{recipe.learning_rate:.2g}, rank {recipe.rank}, {recipe.epochs} epochs: "
            f"{validation_metric(run.job.kind)} {accuracy:.3f} on the validation rows",
        )
        return accuracy

    def is_done(self, part: Round, place: int) -> bool:
        kept = load_checkpoint(self._checkpoint(part, place))
        return kept is not None and has_finished(kept)

    def _checkpoint(self, part: Round, place: int) -> Path:
        return self._run.work.path / f"trial-{part.number}-{place}.checkpoint"

    def _lessons(self, part: Round) -> Lessons:
        """On the round's share of the training rows, the first in a fixed random order."""
        train, validation = self._run.parts.train, self._run.parts.validation
        chosen = np.sort(self._order[: part.rows_of(len(train.rows))])
        return Lessons(
            LabelledStates(SomeStates(self._states.train, chosen), train.targets[chosen]),
            LabelledStates(self._states.validation, validation.targets),
            self._run.backbone.upper,
        )
