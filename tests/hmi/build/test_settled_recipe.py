"""What the number of rows decides of a recipe."""

import pytest

from hmi.build.planned_work import FLOAT32_WORK, PartTokens, Stage, planned_work
from hmi.build.settled_recipe import MIN_DISTILLED_STEPS, settled
from tests.hmi.model.test_heads import FIELDS
from wire.training import Recipe

RECIPE = Recipe(epochs=3, min_steps=100, batch_rows=16)


@pytest.mark.parametrize(
    ("num_rows", "epochs"), [(3, 100), (16, 100), (100, 15), (200, 8), (528, 4), (529, 3), (5000, 3)]
)
def test_few_rows_are_gone_through_until_there_are_steps_enough(num_rows: int, epochs: int) -> None:
    found = settled(RECIPE, num_rows=num_rows)
    assert found.epochs == epochs
    assert settled(found, num_rows=num_rows) == found


def test_the_epochs_asked_for_are_the_least() -> None:
    assert settled(Recipe(epochs=20), num_rows=200).epochs == 20
    assert settled(Recipe(epochs=1, min_steps=0), num_rows=20).epochs == 1


def test_a_training_of_few_steps_has_no_teacher() -> None:
    few, enough = (Recipe(epochs=n, min_steps=0, batch_rows=10) for n in (9, 10))
    assert MIN_DISTILLED_STEPS == 100
    assert not settled(few, num_rows=100).distil
    assert settled(enough, num_rows=100).distil
    assert not settled(Recipe(distil=False), num_rows=5000).distil


def test_with_many_rows_labels_teach_as_well_as_a_teacher() -> None:
    assert settled(Recipe(), num_rows=300).distil
    assert not settled(Recipe(), num_rows=301).distil
    assert settled(Recipe(max_distilled_rows=5000), num_rows=5000).distil


@pytest.mark.parametrize(("num_rows", "first"), [(300, Stage.TEACHER), (301, Stage.TRAINING)])
def test_a_teacher_is_planned_before_the_model_and_what_it_is_compared_with_after(
    num_rows: int, first: Stage
) -> None:
    work = planned_work(PartTokens(6000.0, 800.0, 1200.0), num_rows, FIELDS, Recipe(), FLOAT32_WORK)
    order = [stage for stage in work if stage in (Stage.TEACHER, Stage.TRAINING)]
    assert order[0] is first
    assert list(work)[-1] is Stage.PUBLISHING
