"""The model on computed lower layers, as a teacher."""

from dataclasses import replace
from pathlib import Path

from tests.hmi.build.training_world import (
    RECIPE,
    Events,
    TrainingWorld,
    invented_rows,
)
from wire.training import Phase

ROWS = invented_rows(120)


def test_with_distillation_the_model_on_computed_layers_comes_first_and_its_figures_are_reported(
    world: TrainingWorld, tmp_path: Path
) -> None:
    events = Events()
    job = world.job(
        world.put_rows("distil", ROWS),
        name="distil",
        recipe=replace(RECIPE, epochs=12, min_steps=100, distil=True),
    )
    report = world.train(job, tmp_path / "work", events).report
    assert report["accuracy"] > 0.7
    assert report["plot_cost"]["plot_accuracy"] == report["accuracy"]
    order = list(dict.fromkeys(event.phase for event in events.heard))
    shares = [event.share for event in events.heard if event.phase is Phase.COMPARING]
    assert shares == sorted(share for share in shares if share is not None)
    assert len(set(shares)) > 3, "computing, teaching and asking each have their own"
    assert order.index(Phase.COMPARING) < order.index(Phase.TRAINING) < order.index(Phase.EVALUATING)
