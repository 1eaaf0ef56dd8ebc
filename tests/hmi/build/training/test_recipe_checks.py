"""Recipes that no training can follow are refused, with the field to change."""

from dataclasses import replace

import pytest

from hmi.base.errors import InvalidInput
from hmi.build.training.recipe_checks import check_fits, check_recipe
from hmi.model.backbone import Backbone
from wire.training import Recipe


def test_the_default_recipe_can_be_followed() -> None:
    check_recipe(Recipe())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_minutes", 0.0),
        ("method", "prefix"),
        ("epochs", 0),
        ("rank", 0),
        ("batch_rows", 0),
        ("patience", 0),
        ("min_steps", -1),
        ("leaf_mb", -1.0),
        ("leaf_mb", float("inf")),
        ("learning_rate", 0.0),
        ("learning_rate", 1.0),
        ("learning_rate", float("nan")),
        ("seed", -1),
        ("seed", 1 << 63),
    ],
)
def test_it_refuses_what_no_training_can_do(field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_recipe(replace(Recipe(), **{field: value}))  # type: ignore[arg-type]
    assert caught.value.param == field


@pytest.mark.parametrize("max_tokens", [2, 65])
def test_it_refuses_texts_longer_than_the_backbone_takes(backbone: Backbone, max_tokens: int) -> None:
    check_fits(replace(Recipe(), max_tokens=64), backbone)
    with pytest.raises(InvalidInput) as caught:
        check_fits(replace(Recipe(), max_tokens=max_tokens), backbone)
    assert caught.value.param == "max_tokens"
