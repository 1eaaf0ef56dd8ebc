"""All that one job trains, in order: trials of recipes, who teaches, what is served, what it is compared
with."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.evaluation import PlotPath
from hmi.build.private_leaf import LeafTrial
from hmi.build.recipe_search import RecipeSearch
from hmi.build.settled_recipe import settled
from hmi.build.training.adapter_training import Trained
from hmi.build.training.computed_model import ComputedModel
from hmi.build.training.plot_training import OnPlot, PlotTraining
from hmi.build.training.recipe_trials import try_recipes
from hmi.build.training.row_states import RowStates
from hmi.build.training.run import TrainingRun
from wire.training import Recipe


@dataclass(frozen=True, slots=True)
class TrainedModels:
    """Nothing of it is published yet."""

    recipe: Recipe  # as it was trained: what a search has chosen
    search: RecipeSearch | None
    served: OnPlot
    leaf_trial: LeafTrial | None  # None: the recipe did not ask for one
    computed: Trained | None  # on computed lower layers


def train_models(
    run: TrainingRun, recipe: Recipe, rows: RowStates, is_private: npt.NDArray[np.bool_]
) -> TrainedModels:
    """``recipe`` is settled; ``is_private`` as of private_rows(). Raises as train_adapter()."""
    path = PlotPath(run.backbone, rows.domain.tree)
    states = rows.looked_up(path)
    search = try_recipes(run, recipe, states)
    if search is not None:
        recipe = settled(search.recipe, num_rows=len(run.parts.train.rows))
    model = ComputedModel(run, recipe, rows)
    computed, teacher = None, None
    if recipe.distil and model.is_affordable():
        computed = model.train()
        teacher = None if computed is None else model.teach(computed)
    on_plot = PlotTraining(run, recipe, rows, teacher)
    plain = on_plot.plain(path, states)
    served, leaf_trial = on_plot.with_leaf(plain, is_private)
    if not recipe.distil and recipe.compare_computed and model.is_affordable():
        computed = model.train()  # after the model that it is compared with
    return TrainedModels(recipe, search, served, leaf_trial, computed)
