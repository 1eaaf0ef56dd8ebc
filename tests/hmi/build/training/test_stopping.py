"""A training ends where it is told to: for now, or with the best so far."""

from dataclasses import replace
from pathlib import Path

import pytest

from hmi.base.errors import InvalidInput
from hmi.build.adapter_trainer import Interrupted
from hmi.build.interruption import Interruption
from hmi.build.job_progress import JobProgress
from hmi.build.train_job import run_training
from hmi.build.work_folder import WorkFolder
from tests.hmi.build.training_world import (
    RECIPE,
    Events,
    TrainingWorld,
    invented_rows,
)
from wire.training import Phase, Progress, TrainJob

ROWS = invented_rows(120)


def pause(world: TrainingWorld, job: TrainJob, folder: Path) -> None:
    """Train for four steps or more."""
    interruption = Interruption()

    def ask(event: Progress) -> None:
        interruption.is_asked = event.phase is Phase.TRAINING and event.step >= 4

    with pytest.raises(Interrupted):
        run_training(
            job,
            store=world.store,
            work=WorkFolder(folder),
            progress=JobProgress(ask),
            interruption=interruption,
        )


def test_a_pause_keeps_what_was_done_and_a_cap_ends_with_the_best_so_far(
    world: TrainingWorld, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, max_minutes=60.0, compare_computed=True)
    job = world.job(world.put_rows("capped", ROWS), name="capped", recipe=recipe)
    pause(world, job, tmp_path / "work")
    (tmp_path / "work" / "seconds").write_text("3600.0")
    events = Events()
    report = world.train(job, tmp_path / "work", events).report
    steps = [event.step for event in events.heard if event.phase is Phase.TRAINING]
    assert steps[0] >= 4
    assert report["stopped_at_cap"]
    assert report["stopped_at"] == {"limit": "max_minutes", "minutes": 60.0}
    assert report["curve"][-1]["step"] == steps[-1] < RECIPE.epochs * 6
    assert report["plot_cost"] is None, "the model comes first, and no time was left to compare it"
    assert report["seconds"] >= 3600


def test_a_limit_of_who_runs_it_ends_a_training_with_the_best_so_far(
    world: TrainingWorld, tmp_path: Path
) -> None:
    job = world.job(world.put_rows("limited", ROWS), name="limited")
    pause(world, job, tmp_path / "work")
    (tmp_path / "work" / "seconds").write_text("3600.0")
    result = run_training(
        job,
        store=world.store,
        work=WorkFolder(tmp_path / "work"),
        progress=JobProgress(Events()),
        limit_s=3600.0,
    )
    assert result.report["stopped_at_cap"]
    assert result.report["stopped_at"] == {"limit": "installation", "minutes": 60.0}
    assert result.report["accuracy"] > 0 and world.store.exists(result.version.uri)


def test_a_cap_that_is_over_before_the_first_step_is_a_failure_that_says_so(
    world: TrainingWorld, tmp_path: Path
) -> None:
    recipe = replace(RECIPE, max_minutes=1.0)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "seconds").write_text("61.0")
    job = world.job(world.put_rows("over", ROWS), name="over", recipe=recipe)
    with pytest.raises(InvalidInput, match=r"max_minutes \(1 minutes\).*give more minutes"):
        world.train(job, tmp_path / "work")
