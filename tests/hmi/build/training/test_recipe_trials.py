"""A search of recipes within a training: its trials are kept, and what it chose stands."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.hmi.build.training_world import (
    RECIPE,
    Events,
    Killed,
    TrainingWorld,
    invented_rows,
)
from wire.training import Phase

ROWS = invented_rows(120)


def test_a_search_tries_recipes_on_validation_rows_and_goes_on_after_a_kill(
    world: TrainingWorld, tmp_path: Path
) -> None:
    job = world.job(
        world.put_rows("searched", ROWS), name="searched", recipe=replace(RECIPE, epochs=2, search=3)
    )
    with pytest.raises(Killed):
        world.train(job, tmp_path / "work", Events(dies_in=Phase.SEARCHING, dies_at_step=2))
    assert sorted(path.name for path in (tmp_path / "work").glob("trial-*")) == [
        "trial-1-0.checkpoint",
        "trial-1-1.checkpoint",
    ]
    with pytest.raises(Killed):
        world.train(job, tmp_path / "work", Events(dies_in=Phase.TRAINING))
    events = Events()
    report = world.train(job, tmp_path / "work", events).report
    assert not [event for event in events.heard if event.phase is Phase.SEARCHING]  # it stands
    assert not list((tmp_path / "work").glob("trial-*"))
    search = report["search"]
    assert [trial["round"] for trial in search["trials"]] == [1, 1, 1, 2, 2]
    assert sum(trial["is_kept"] for trial in search["trials"]) == 3
    chosen = max(search["trials"][3:], key=lambda trial: float(trial["validation_accuracy"]))
    assert chosen["is_kept"]
    for name in ("learning_rate", "rank", "epochs"):
        assert report["recipe"][name] == search["recipe"][name] == chosen[name]
