"""Turns what a user asks for into a wire.training.Recipe, refusing unknown keys and values out of bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from portal.common.errors import PortalError
from wire.codec import WireError, from_plain
from wire.errors import ErrorCode
from wire.training import METHODS, Recipe


@dataclass(frozen=True, slots=True)
class Bounds:
    """Smallest and largest value that a training accepts, both included."""

    least: float
    most: float


BOUNDS: Mapping[str, Bounds] = {
    "rank": Bounds(1, 32),  # HMI_MAX_ADAPTER_RANK of the service
    "alpha": Bounds(0.1, 256),
    "epochs": Bounds(1, 50),
    "min_steps": Bounds(0, 2000),
    "learning_rate": Bounds(1e-6, 0.1),
    "batch_rows": Bounds(1, 256),
    "max_tokens": Bounds(8, 512),
    "patience": Bounds(1, 50),
    "seed": Bounds(0, 2**31 - 1),
    "search": Bounds(0, 16),
    "max_minutes": Bounds(1, 24 * 60),
    "leaf_mb": Bounds(0, 8),
    "max_distilled_rows": Bounds(0, 10_000_000),
}


class BadRecipe(PortalError):
    """A recipe that no training can follow; ``param`` names the value."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"recipe.{name}: {problem}", code=ErrorCode.INVALID_FIELD, param=f"recipe.{name}")


def parse_recipe(asked: Mapping[str, Any]) -> Recipe:
    """The defaults with what was asked for; raises BadRecipe."""
    known = [field.name for field in fields(Recipe)]
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise BadRecipe(unknown[0], f"is not part of a recipe; known are {', '.join(known)}.")
    try:
        recipe = from_plain(Recipe, dict(asked))
    except WireError as exc:
        raise BadRecipe(exc.path, f"{exc.problem}.") from exc
    if recipe.method not in METHODS:
        raise BadRecipe("method", f"must be one of {', '.join(METHODS)}.")
    for name, bounds in BOUNDS.items():
        value = getattr(recipe, name)
        if value is None:  # left open
            continue
        if not bounds.least <= value <= bounds.most:
            raise BadRecipe(name, f"must be between {bounds.least:g} and {bounds.most:g}, not {value:g}.")
    return recipe
