"""What a training would take and give, on a tiny backbone."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import torch

from hmi.base.errors import HmiError
from hmi.build import estimate_job
from hmi.build.estimate_job import MAX_PROBE_ROWS, estimate_training
from hmi.build.job_progress import JobProgress
from hmi.build.planned_work import PartTokens, Stage, planned_work, usual_work
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.training_layers import TrainingLayers
from tests.hmi.build.training_world import LABELS, RECIPE, Events, TrainingWorld, invented_rows, make_world
from wire.errors import ErrorCode
from wire.training import EstimateResult, TrainJob

ROWS = invented_rows(120)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


def estimate(world: TrainingWorld, job: TrainJob) -> EstimateResult:
    return estimate_training(job, store=world.store, progress=JobProgress(Events()))


def test_it_says_what_the_training_then_is(
    world: TrainingWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    job = world.job(world.put_rows("estimated", ROWS), name="estimated")
    job = replace(job, recipe=replace(RECIPE, epochs=8))
    said = estimate(world, job)
    assert not world.store.exists(job.segment_out_uri)
    result = world.train(job, tmp_path_factory.mktemp("work"))
    assert (said.num_rows, said.num_train_rows) == (120, result.report["rows"]["train"])
    assert said.num_steps == result.report["curve"][-1]["step"]
    hplm = open_adapter_bundle(
        world.store.localize(result.version.uri, result.version.digest),
        digest=result.version.digest,
        backbone_fields=world.backbone.fields,
        backbone=world.backbone.digest,
    )
    assert said.adapter_bytes == hplm.num_bytes
    assert said.memory_bytes is not None and 50 << 20 < said.memory_bytes < 64 << 30
    assert said.majority_accuracy == 0.5
    assert said.metric == "accuracy"
    assert 0 < said.seconds_least <= said.seconds
    assert said.accuracy is not None
    assert said.accuracy.probe_rows == 102  # all that are not tested on
    # Of 18 rows, one more or less is within the processor's rounding.
    assert said.accuracy.low <= result.report["accuracy_ci95"][1]
    low, high = said.accuracy.probe_ci95
    assert low <= said.accuracy.probe_accuracy <= high <= said.accuracy.high


def test_few_rows_are_reckoned_by_their_least_steps_and_a_teacher_costs(world: TrainingWorld) -> None:
    job = world.job(world.put_rows("few", ROWS), name="few")

    def said(min_steps: int = 0) -> EstimateResult:
        return estimate(world, replace(job, recipe=replace(RECIPE, min_steps=min_steps)))

    assert said().num_steps == 24, "six steps an epoch"
    assert said(min_steps=100).num_steps == 102
    fields = world.backbone.fields
    work = {
        (steps, taught): planned_work(
            PartTokens(900, 100, 200),
            90,
            fields,
            replace(RECIPE, min_steps=steps, distil=taught),
            usual_work(torch.float32),
        )
        for steps in (0, 100)
        for taught in (False, True)
    }
    assert work[0, True] == work[0, False], "so few steps have no teacher"
    assert work[0, False][Stage.TEACHER] == work[100, False][Stage.TEACHER] == 0
    assert work[100, True][Stage.TEACHER] == work[100, True][Stage.TRAINING]
    assert work[100, True][Stage.TRAINING] == pytest.approx(17 / 4 * work[0, True][Stage.TRAINING])


def test_what_a_step_costs_is_what_a_training_costs_and_other_methods_have_steps_too(
    world: TrainingWorld,
) -> None:
    usual = usual_work(torch.float32)
    tokens, fields = PartTokens(900, 0, 0), world.backbone.fields
    plain, slow = (
        planned_work(tokens, 90, fields, RECIPE, work)
        for work in (usual, replace(usual, step=2 * usual.step))
    )
    assert slow[Stage.TRAINING] == 2 * plain[Stage.TRAINING]
    assert slow[Stage.LEARNING_DOMAIN] == plain[Stage.LEARNING_DOMAIN] > 0
    recipe = replace(RECIPE, method="bottleneck")
    said = estimate(world, world.job(world.put_rows("bottleneck", ROWS), name="bottleneck", recipe=recipe))
    assert said.seconds > 0


def test_words_that_say_nothing_promise_nothing(world: TrainingWorld) -> None:
    labels = np.random.default_rng(1).permutation([label for _, label in ROWS])
    rows = [(text, str(label)) for (text, _), label in zip(ROWS, labels, strict=True)]
    said = estimate(world, world.job(world.put_rows("noise", rows), name="noise")).accuracy
    assert said is not None
    assert said.low < 0.5
    assert said.probe_accuracy < 0.7


def test_many_rows_are_probed_on_some(world: TrainingWorld) -> None:
    rows = invented_rows(1000)
    said = estimate(world, world.job(world.put_rows("many", rows), name="many"))
    assert said.num_rows == 1000
    assert said.accuracy is not None
    assert said.accuracy.probe_rows == MAX_PROBE_ROWS


def test_memory_is_that_of_a_step_of_the_longest_rows_though_few_are_as_long(
    world: TrainingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        (f"{text} {'good ' * (60 if number < 3 else 0)}", label) for number, (text, label) in enumerate(ROWS)
    ]
    stepped: list[list[int]] = []
    step = TrainingLayers.__call__

    def watched(self: TrainingLayers, states: torch.Tensor, offsets: npt.NDArray[np.int64]) -> torch.Tensor:
        stepped.append(np.diff(offsets).tolist())
        return step(self, states, offsets)

    monkeypatch.setattr(TrainingLayers, "__call__", watched)
    monkeypatch.setattr(estimate_job, "MAX_PROBE_STEPS", 1)
    recipe = replace(RECIPE, batch_rows=4, max_tokens=64)
    said = estimate(world, world.job(world.put_rows("uneven", rows), name="uneven", recipe=recipe))
    assert said.memory_bytes is not None
    longest = max(max(lengths) for lengths in stepped)
    assert longest == 64
    assert any(lengths.count(longest) >= 2 for lengths in stepped), (
        "those of the training and validation rows"
    )


def test_a_cap_bounds_the_time(world: TrainingWorld) -> None:
    uri = world.put_rows("capped", ROWS)
    recipe = replace(RECIPE, max_minutes=0.001)
    assert estimate(world, world.job(uri, name="capped", recipe=recipe)).seconds <= 0.1


def test_it_tells_what_is_allowed_and_the_time_that_it_would_take_all_the_same(world: TrainingWorld) -> None:
    job = world.job(world.put_rows("limited", ROWS), name="limited")
    said = estimate_training(job, store=world.store, progress=JobProgress(Events()), limit_s=0.001)
    assert said.limit_s == 0.001 < said.seconds


def test_labels_of_too_few_rows_are_not_judged(world: TrainingWorld) -> None:
    labels = (*LABELS, *(f"rare {number}" for number in range(30)))
    rows = [*invented_rows(20), *((f"word {n} of {label}", label) for label in labels[2:] for n in range(3))]
    said = estimate(world, world.job(world.put_rows("rare", rows), name="rare", labels=labels))
    assert said.accuracy is None


def test_what_cannot_be_trained_on_is_refused_as_the_training_would(world: TrainingWorld) -> None:
    with pytest.raises(HmiError) as caught:
        estimate(world, world.job(world.put_rows("few", ROWS[:4]), name="few"))
    assert caught.value.code is ErrorCode.DATASET_TOO_FEW_ROWS
