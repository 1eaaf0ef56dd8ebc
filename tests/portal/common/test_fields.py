"""What a field says of what it refuses."""

import ast
from pathlib import Path

import pytest
from rest_framework.exceptions import ValidationError

from portal.common.fields import MAX_NAMED, ChoiceField

PORTAL = Path(__file__).resolve().parents[3] / "platform" / "portal"


def told(field: ChoiceField, given: str) -> str:
    with pytest.raises(ValidationError) as refused:
        field.run_validation(given)
    assert refused.value.get_codes() == ["invalid_choice"]
    assert isinstance(refused.value.detail, list)
    return str(refused.value.detail[0])


def test_a_choice_that_there_is_is_taken() -> None:
    assert ChoiceField(choices=["hour", "day"]).run_validation("day") == "day"


def test_one_that_there_is_not_is_answered_with_the_choices() -> None:
    field = ChoiceField(choices=[("hour", "Hour"), ("day", "Day")])
    assert told(field, "week") == '"week" is not a valid choice: give one of hour, day.'


def test_of_many_choices_the_first_ones_are_named() -> None:
    field = ChoiceField(choices=[f"c{number}" for number in range(MAX_NAMED + 3)])
    assert told(field, "x").endswith("c10, c11 and 3 more.")


def test_every_app_uses_this_field() -> None:
    """Another one's refusals would name no choices."""
    for path in PORTAL.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr == "ChoiceField":
                assert path.name == "fields.py", path
