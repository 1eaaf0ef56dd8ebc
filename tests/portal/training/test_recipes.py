"""What users may ask of a training."""

from typing import Any

import pytest

from portal.training.recipes import BOUNDS, BadRecipe, parse_recipe
from wire.errors import ErrorCode
from wire.training import Recipe


def test_nothing_asked_gives_the_defaults() -> None:
    assert parse_recipe({}) == Recipe()


def test_the_defaults_are_within_the_bounds() -> None:
    defaults = {
        name: value for name, value in vars_of(Recipe()).items() if name in BOUNDS and value is not None
    }
    assert all(BOUNDS[name].least <= value <= BOUNDS[name].most for name, value in defaults.items())


def test_what_is_asked_is_taken() -> None:
    asked = {"rank": 16, "epochs": 5, "learning_rate": 0.0005, "alpha": 32, "compare_computed": True}
    assert parse_recipe(asked) == Recipe(
        rank=16, epochs=5, learning_rate=0.0005, alpha=32.0, compare_computed=True
    )


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"ranks": 8}, "ranks"),
        ({"rank": 0}, "rank"),
        ({"rank": 33}, "rank"),
        ({"rank": "8"}, "rank"),
        ({"rank": 8.0}, "rank"),
        ({"rank": True}, "rank"),
        ({"rank": None}, "rank"),
        ({"epochs": 51}, "epochs"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": 1e9}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"max_tokens": 513}, "max_tokens"),
        ({"seed": -1}, "seed"),
        ({"method": "full"}, "method"),
        ({"method": "bottleneck", "rank": 64}, "rank"),
        ({"compare_computed": 1}, "compare_computed"),
    ],
)
def test_what_no_training_can_follow_is_refused_by_name(asked: dict[str, Any], name: str) -> None:
    with pytest.raises(BadRecipe) as caught:
        parse_recipe(asked)
    assert caught.value.code is ErrorCode.INVALID_FIELD
    assert caught.value.param == f"recipe.{name}"


def test_every_number_has_bounds() -> None:
    numbers = {name for name, value in vars_of(Recipe()).items() if type(value) in (int, float)}
    assert numbers | {"max_minutes"} == set(BOUNDS)  # that one has no default


def vars_of(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__}
