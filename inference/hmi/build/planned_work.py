"""The stretches of a training, and how much work each will be: an estimate's time, a progress bar's
shares."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch

from hmi.build.rank_curve import cut_ranks
from hmi.build.recipe_search import candidates, rounds
from hmi.build.settled_recipe import settled
from wire.artifacts import BackboneFields
from wire.training import Phase, Recipe


class Stage(Enum):
    """A stretch of a training that is reckoned by itself; one or more make a phase."""

    LEARNING_DOMAIN = (Phase.LEARNING_DOMAIN, "")
    LOOKING_UP = (Phase.LOOKING_UP, "")
    SEARCHING = (Phase.SEARCHING, "")
    COMPUTING = (Phase.COMPARING, "lower layers")
    TEACHER = (Phase.COMPARING, "trained")
    ASKING = (Phase.COMPARING, "asked")
    TRAINING = (Phase.TRAINING, "")
    LEAF_LOOKING_UP = (Phase.TRYING_LEAF, "looked up")
    LEAF_TRAINING = (Phase.TRYING_LEAF, "trained")
    ANSWERING = (Phase.EVALUATING, "answered")
    COMPUTED_ANSWERING = (Phase.EVALUATING, "computed")
    RANKS = (Phase.EVALUATING, "ranks")
    JUDGING = (Phase.EVALUATING, "judged")
    PUBLISHING = (Phase.PUBLISHING, "")

    @property
    def phase(self) -> Phase:
        return self.value[0]


At = Phase | Stage
"""Where a job is: a phase, or one stretch of it."""


@dataclass(frozen=True, slots=True)
class PartTokens:
    """Tokens of each part of a split, as they are read or as they are expected."""

    train: float
    validation: float
    test: float


@dataclass(frozen=True, slots=True)
class WorkOf:
    """Work over that of one upper layer over one token, forward, in batches of like length.

    Measured on one core, with the default backbone, on texts of 20 to 128 tokens.
    """

    step: float  # of a training step: there and back, gradients of the adapter alone
    exact: float  # of a layer in float32, lower or upper
    rounded_lower: float  # of one whose products are in the type of the upper layers
    learnt: float  # of a token that is counted and becomes rows, all but its lower layers
    looked_up: float  # of a token that is looked up, all layers together
    answered: float  # of an upper layer in a batch as it comes, with an adapter, not in float32
    judged: float  # of a token that goes to the linear heads, all layers together


FLOAT32_WORK = WorkOf(
    step=2.3, exact=1.0, rounded_lower=1.0, learnt=0.9, looked_up=0.8, answered=1.2, judged=0.6
)
BFLOAT16_WORK = WorkOf(
    step=4.3, exact=4.0, rounded_lower=1.7, learnt=3.5, looked_up=2.8, answered=2.0, judged=2.4
)


def usual_work(dtype: torch.dtype) -> WorkOf:
    """Where the upper layers are of ``dtype``."""
    return BFLOAT16_WORK if dtype is torch.bfloat16 else FLOAT32_WORK


def planned_work(
    tokens: PartTokens, num_train_rows: int, fields: BackboneFields, recipe: Recipe, work: WorkOf
) -> dict[At, float]:
    """What each stage costs, in order, in units of one upper layer over one token, forward."""
    recipe = settled(recipe, num_rows=num_train_rows)
    lower = fields.num_lower
    upper = fields.num_layers - lower
    train, validation, test = tokens.train, tokens.validation, tokens.test
    together = train + validation + test

    def epoch(share: float = 1.0) -> float:
        return upper * (work.step * share * train + 2 * validation)

    trained = recipe.epochs * epoch()
    is_computed = recipe.compare_computed or recipe.distil
    has_leaf = recipe.leaf_mb > 0
    answered = upper * work.exact * test
    before: dict[At, float] = {
        Stage.LEARNING_DOMAIN: (lower * work.rounded_lower + work.learnt) * train,
        Stage.LOOKING_UP: work.looked_up * together,
        Stage.SEARCHING: _searched(recipe, num_train_rows, epoch),
    }
    computed: dict[At, float] = {
        Stage.COMPUTING: lower * work.rounded_lower * (train + validation) if is_computed else 0.0,
        Stage.TEACHER: trained if is_computed else 0.0,
        Stage.ASKING: upper * work.answered * train if recipe.distil else 0.0,
    }
    on_plot: dict[At, float] = {
        Stage.TRAINING: trained,
        Stage.LEAF_LOOKING_UP: work.looked_up * together if has_leaf else 0.0,
        Stage.LEAF_TRAINING: trained if has_leaf else 0.0,
    }
    after: dict[At, float] = {
        Stage.ANSWERING: answered + work.looked_up * test,
        Stage.COMPUTED_ANSWERING: lower * work.exact * test + answered * (2 if is_computed else 1),
        Stage.RANKS: len(cut_ranks(recipe.method, recipe.rank)) * upper * work.answered * test,
        Stage.JUDGING: (upper + work.judged) * together,
        Stage.PUBLISHING: 0.0,
    }
    trainings = computed | on_plot if recipe.distil else on_plot | computed  # a teacher comes first
    return before | trainings | after


def _searched(recipe: Recipe, num_train_rows: int, epoch: Callable[[float], float]) -> float:
    """Work of trying recipes; ``epoch`` tells that of one epoch on a share of the training rows."""
    tried = candidates(recipe, num_rows=num_train_rows)
    searched = 0.0
    for part in rounds(len(tried)):
        num_rows = part.rows_of(num_train_rows)
        mean_epochs = sum(settled(one, num_rows=num_rows).epochs for one in tried) / len(tried)
        searched += part.num_candidates * mean_epochs * epoch(num_rows / num_train_rows)
    return searched
