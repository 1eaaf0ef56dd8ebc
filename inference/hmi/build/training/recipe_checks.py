"""Which recipes can be followed at all."""

from hmi.base.errors import InvalidInput
from hmi.model.adapters.methods import adapter_config
from hmi.model.backbone import Backbone
from wire.training import Recipe

MAX_SEED = 1 << 63
"""The libraries that draw take no others."""


def check_recipe(recipe: Recipe) -> None:
    """Raise InvalidInput for what no training can do."""
    adapter_config(recipe.method, rank=max(1, recipe.rank), alpha=recipe.alpha)
    for name in ("rank", "epochs", "batch_rows", "patience"):
        if getattr(recipe, name) < 1:
            raise InvalidInput(
                f"the recipe's {name} is {getattr(recipe, name)}, at least 1 is needed", param=name
            )
    if not 0 <= recipe.seed < MAX_SEED:
        raise InvalidInput(f"the recipe's seed is {recipe.seed}; it is 0 to {MAX_SEED - 1}", param="seed")
    if recipe.min_steps < 0:
        raise InvalidInput(f"the recipe's min_steps is {recipe.min_steps}", param="min_steps")
    if not 0 <= recipe.leaf_mb < float("inf"):
        raise InvalidInput(f"the recipe's leaf_mb is {recipe.leaf_mb}", param="leaf_mb")
    if recipe.max_minutes is not None and not recipe.max_minutes > 0:
        raise InvalidInput(f"the recipe's max_minutes is {recipe.max_minutes}", param="max_minutes")
    if not 0 < recipe.learning_rate < 1:
        raise InvalidInput(
            f"the recipe's learning_rate is {recipe.learning_rate}; it lies between 0 and 1",
            param="learning_rate",
        )


def check_fits(recipe: Recipe, backbone: Backbone) -> None:
    """Raise InvalidInput for texts longer than the backbone takes."""
    if not 3 <= recipe.max_tokens <= backbone.fields.max_positions:
        raise InvalidInput(
            f"the recipe's max_tokens is {recipe.max_tokens}; {backbone.fields.name} takes 3 to "
            f"{backbone.fields.max_positions}",
            param="max_tokens",
        )
