"""Trainings on looked-up rows: with the domain's tree alone, and with a private leaf below it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hmi.build.data_insight import PartStates
from hmi.build.distillation import Teacher
from hmi.build.evaluation import PlotPath
from hmi.build.planned_work import Stage
from hmi.build.private_leaf import MEGABYTE, LeafTrial, PrivateLeaf, build_leaf, leaf_trial
from hmi.build.training.adapter_training import Trained, lessons_of, train_adapter
from hmi.build.training.row_states import RowStates
from hmi.build.training.run import TrainingRun
from wire.training import Phase, Recipe


@dataclass(frozen=True, slots=True)
class OnPlot:
    """What was trained on looked-up rows, and how they are looked up."""

    path: PlotPath
    states: PartStates
    trained: Trained
    leaf: PrivateLeaf | None = None


@dataclass(frozen=True, slots=True)
class PlotTraining:
    """One recipe and one teacher for both."""

    run: TrainingRun
    recipe: Recipe
    rows: RowStates
    teacher: Teacher | None

    def plain(self, path: PlotPath, states: PartStates) -> OnPlot:
        """On rows that are looked up already."""
        return OnPlot(path, states, self._trained(Stage.TRAINING, states))

    def with_leaf(self, plain: OnPlot, is_private: npt.NDArray[np.bool_]) -> tuple[OnPlot, LeafTrial | None]:
        """``plain``, or the same with a private leaf where the validation rows gain by it; ``is_private``
        [rows of the dataset's segment] as of private_rows()."""
        domain, max_bytes = self.rows.domain, round(self.recipe.leaf_mb * MEGABYTE)
        if max_bytes == 0:
            return plain, None
        if plain.trained.task.stopped_at_cap:
            return plain, LeafTrial(False, "no time was left to try one", max_bytes)
        self.run.progress.enter(Stage.LEAF_LOOKING_UP, "building the private leaf")
        leaf = build_leaf(domain.own, is_private, domain.tree, max_bytes)
        if leaf is None:
            return plain, LeafTrial(False, "nothing of the text stayed private", max_bytes)
        tried = self._tried(leaf)
        trial = leaf_trial(
            leaf,
            max_bytes,
            without=plain.trained.task.validation_accuracy,
            with_it=tried.trained.task.validation_accuracy,
            is_cut_short=tried.trained.task.stopped_at_cap,
        )
        if trial.is_kept:
            self.run.progress.serve(Phase.TRYING_LEAF)
        return (tried if trial.is_kept else plain), trial

    def _tried(self, leaf: PrivateLeaf) -> OnPlot:
        path = PlotPath(self.run.backbone, self.rows.domain.tree, leaf.table)
        states = self.rows.looked_up(path, leaf)
        return OnPlot(path, states, self._trained(Stage.LEAF_TRAINING, states), leaf)

    def _trained(self, stage: Stage, states: PartStates) -> Trained:
        return train_adapter(self.run, stage, self.recipe, lessons_of(self.run, states, self.teacher))
