"""A whole training on a tiny backbone: it learns, publishes, reports honestly, and survives kills at any
phase."""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmi.base.errors import AlreadyExists, HmiError, InvalidInput
from hmi.build.checkpoint import load_checkpoint, save_checkpoint
from hmi.build.estimate_job import estimate_training
from hmi.build.evaluation import PlotPath, TaskModel, predict
from hmi.build.interruption import INTERRUPTED_STATUS
from hmi.build.job_progress import JobProgress
from hmi.build.metrics import expected_calibration_error
from hmi.kinds.single_label import softmax
from hmi.model.adapter_bundle import open_adapter_bundle
from hmi.model.adapters.methods import METHODS, adapter_config
from hmi.plot.segment import open_segment, text_hash
from hmi.plot.tree import open_tree
from tests.fakes.full_disk import full_disk
from tests.hmi.build.training_world import (
    GENERAL_TEXTS,
    LABELS,
    RECIPE,
    Events,
    Killed,
    TrainingWorld,
    invented_rows,
    make_world,
    weights,
)
from wire.codec import to_json
from wire.errors import ErrorCode
from wire.ids import BundleUri
from wire.training import Phase, Progress, SegmentRef, TrainResult

pytestmark = pytest.mark.slow  # whole trainings

ROWS = invented_rows(120)
ROWS_URI = BundleUri("datasets/whole/rows.jsonl")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def whole(world: TrainingWorld, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, Events]:
    """One training that nothing interrupts."""
    events = Events()
    job = world.job(
        world.put_rows("whole", ROWS), name="whole", recipe=replace(RECIPE, compare_computed=True)
    )
    return world.train(job, tmp_path_factory.mktemp("work"), events), events


def refused(world: TrainingWorld, tmp_path: Path, rows: Sequence[tuple[str, str]], **job: object) -> HmiError:
    uri = world.put_rows("refused", rows)
    with pytest.raises(HmiError) as caught:
        world.train(world.job(uri, name="refused", **job), tmp_path / "work")  # type: ignore[arg-type]
    return caught.value


def test_it_learns_and_reports_what_it_measured(whole: tuple[TrainResult, Events]) -> None:
    report = whole[0].report
    assert report["accuracy"] > 0.7  # of 18 rows; 16 by what was measured in float32 and in bfloat16
    assert report["accuracy_ci95"][0] <= report["accuracy"] <= report["accuracy_ci95"][1]
    counts = {"from_ancestors": 0, "sharing_text": 0, "truncated": 0}
    assert report["rows"] == {"train": 90, "validation": 12, "test": 18, **counts}
    assert np.array(report["confusion"]).sum() == 18
    assert len(report["test_rows"]) == 18
    assert sum(report["coverage"].values()) == pytest.approx(1.0)
    assert report["coverage"]["exact"] == 0.0
    assert report["plot_cost"]["plot_accuracy"] == report["accuracy"]
    ranks = report["rank_curve"]
    assert [point["rank"] for point in ranks] == [1, 2, 4], "the recipe's is 4"
    assert ranks[-1]["accuracy"] == pytest.approx(report["accuracy"], abs=0.06)  # from states kept in float16
    assert ranks[0]["adapter_bytes"] * 4 == ranks[-1]["adapter_bytes"] < report["adapter_bytes"]
    floors = report["floor_curve"]
    assert (floors[0]["computed_share"], floors[0]["accuracy"]) == (0.0, report["accuracy"])
    assert floors[-1]["computed_share"] > 0.5 and floors[-1]["text_ms"] > 0
    assert report["recipe"]["seed"] == 1
    assert report["macro_f1_ci95"][0] <= report["macro_f1"] <= report["macro_f1_ci95"][1]
    assert report["majority_accuracy"] == 0.5
    assert report["calibration"]["ece"] == report["ece"]
    assert sum(bar["rows"] for bar in report["calibration"]["bins"]) == 18
    assert {mistake["row"] for mistake in report["mistakes"]} <= set(report["test_rows"])
    assert sum(part["rows"] for part in report["slices"] if part["kind"] == "length") == 18
    assert report["label_errors"]["judged"] == 120
    assert [point["rows"] for point in report["learning_curve"]["points"]] == [22, 45, 90]
    assert report["search"] is None
    assert not report["stopped_at_cap"] and report["stopped_at"] is None
    assert report["seconds"] > 0
    json.loads(to_json(whole[0]))


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_trained_kept_and_answers(world: TrainingWorld, tmp_path: Path, method: str) -> None:
    recipe = replace(RECIPE, method=method, epochs=12)
    job = world.job(world.put_rows(method, ROWS), name=method, recipe=recipe)
    events = Events()
    result = world.train(job, tmp_path / "work", events)
    assert result.report["plot_cost"] is None, "it was not asked for"
    assert not any(event.phase is Phase.COMPARING for event in events.heard)
    estimate = estimate_training(job, store=world.store, progress=JobProgress(Events()))
    hplm = open_adapter_bundle(
        world.store.localize(result.version.uri, result.version.digest),
        digest=result.version.digest,
        backbone_fields=world.backbone.fields,
        backbone=world.backbone.digest,
    )
    assert hplm.adapter is not None
    config = adapter_config(method, rank=recipe.rank, alpha=recipe.alpha)
    assert hplm.adapter.config == config
    assert (hplm.fields.method, hplm.fields.rank) == (method, recipe.rank)
    assert hplm.fields.target_modules == config.modules
    cut, ranks = METHODS[method].cut, [point["rank"] for point in result.report["rank_curve"]]
    assert ranks == ([] if isinstance(cut, str) else [1, 2, 4])
    assert result.report["left_out"].get("rank_curve") == (cut if isinstance(cut, str) else None)
    assert hplm.num_bytes == estimate.adapter_bytes
    assert any(factors.up.abs().sum() > 0 for factors in hplm.adapter.factors.values())
    assert result.report["accuracy"] > 0.7


def test_the_reported_accuracy_is_that_of_the_published_bundles(
    world: TrainingWorld, whole: tuple[TrainResult, Events]
) -> None:
    result = whole[0]
    backbone = world.backbone
    hplm = open_adapter_bundle(
        world.store.localize(result.version.uri, result.version.digest),
        digest=result.version.digest,
        backbone_fields=backbone.fields,
        backbone=backbone.digest,
    )
    assert hplm.fields.tree == result.tree.digest
    assert hplm.fields.backbone_uri == "backbones/tiny"
    tree = open_tree(world.store, result.tree.uri, result.tree.digest, backbone=backbone.digest)
    rows = [ROWS[number - 1] for number in result.report["test_rows"]]
    documents = backbone.tokenizer.encode([text for text, _ in rows], RECIPE.max_tokens).documents
    model = TaskModel(backbone, hplm.adapter, hplm.head)
    found = predict(PlotPath(backbone, tree), model, documents, on_documents=lambda done: None)
    truth = np.array([LABELS.index(label) for _, label in rows])
    assert (softmax(found.outputs).argmax(axis=1) == truth).mean() == result.report["accuracy"]
    assert hplm.fields.metrics["temperature"] == result.report["calibration"]["temperature"]
    # The temperature is in the head: whoever serves the bundle gives the scores that were evaluated.
    assert expected_calibration_error(softmax(found.outputs), truth) == pytest.approx(result.report["ece"])
    assert result.report["ece"] < result.report["calibration"]["ece_before"]


def test_no_held_out_text_enters_the_segment(world: TrainingWorld, whole: tuple[TrainResult, Events]) -> None:
    result = whole[0]
    segment = open_segment(
        world.store.localize(result.segment.uri, result.segment.digest), result.segment.digest
    )
    held = {text_hash(ROWS[number - 1][0]) for number in result.report["test_rows"]}
    assert len(segment.documents) == 90
    assert not held & set(segment.documents.tolist())


def test_phases_come_in_order_with_a_time_left(whole: tuple[TrainResult, Events]) -> None:
    heard = whole[1].heard
    order = [phase for phase in Phase if any(event.phase is phase for event in heard)]
    assert order == [phase for phase in Phase if phase not in (Phase.SEARCHING, Phase.TRYING_LEAF)]
    assert [event.phase for event in heard] == sorted((event.phase for event in heard), key=list(Phase).index)
    training = [event for event in heard if event.phase is Phase.TRAINING]
    assert training[-1].eta_s is not None
    shares = [event.share for event in heard if event.share is not None]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == 1
    assert 0 < (training[0].share or 0) < (training[-1].share or 0) < 1
    assert training[-1].loss is not None
    assert training[-1].validation_accuracy is not None


def test_messages_hold_no_text_of_the_tenant(whole: tuple[TrainResult, Events]) -> None:
    words = {"loved", "hated", "film", "match"}
    assert not any(words & set(event.message.split()) for event in whole[1].heard)


@pytest.mark.parametrize(
    ("phase", "step"),
    [
        (Phase.LEARNING_DOMAIN, 1),
        (Phase.TRAINING, 9),
        pytest.param(Phase.SPLITTING, 0, marks=pytest.mark.slow),
        pytest.param(Phase.LOOKING_UP, 1, marks=pytest.mark.slow),
        pytest.param(Phase.TRAINING, 0, marks=pytest.mark.slow),
        pytest.param(Phase.COMPARING, 3, marks=pytest.mark.slow),
        pytest.param(Phase.EVALUATING, 1, marks=pytest.mark.slow),
        pytest.param(Phase.PUBLISHING, 0, marks=pytest.mark.slow),
        pytest.param(Phase.PUBLISHING, 1, marks=pytest.mark.slow),
    ],
)
def test_killed_in_any_phase_it_goes_on_to_the_same_bundles(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path, phase: Phase, step: int
) -> None:
    name = f"killed-{phase}-{step}"
    recipe = replace(RECIPE, compare_computed=phase is Phase.COMPARING)
    job = world.job(ROWS_URI, name=name, recipe=recipe)
    job = replace(job, dataset_id=world.job(ROWS_URI, name="whole").dataset_id)
    with pytest.raises(Killed):
        world.train(job, tmp_path / "work", Events(dies_in=phase, dies_at_step=step))
    result = world.train(job, tmp_path / "work")
    expected = whole[0]
    assert result.segment.digest == expected.segment.digest
    assert weights(world, result) == weights(world, expected)
    assert result.report["curve"] == expected.report["curve"]
    assert result.report["test_rows"] == expected.report["test_rows"]
    assert result.report["accuracy"] == expected.report["accuracy"]
    assert result.report["confusion"] == expected.report["confusion"]
    if phase is Phase.COMPARING:
        assert result.report["plot_cost"] == expected.report["plot_cost"] is not None


def test_what_another_release_left_is_not_gone_on_from(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    job = world.job(ROWS_URI, name="older")
    job = replace(job, dataset_id=world.job(ROWS_URI, name="whole").dataset_id)
    work = tmp_path / "work"
    with pytest.raises(Killed):
        world.train(job, work, Events(dies_in=Phase.EVALUATING, dies_at_step=1))
    checkpoint = load_checkpoint(work / "plot.checkpoint")
    assert checkpoint is not None, "it was trained"
    # As an older release leaves it, whose adapters acted on other modules: shapes differ, states too.
    (work / "code").write_text("an older release's")
    (work / "job.json").write_text("{}")
    shutil.rmtree(work / "version")
    turned = {name: tensor.flatten()[:1] for name, tensor in checkpoint.tensors.items()}
    save_checkpoint(work / "plot.checkpoint", replace(checkpoint, tensors=turned))
    for states in work.glob("plot-*.f16"):
        states.write_bytes(bytes(states.stat().st_size))
    result = world.train(job, work)
    assert weights(world, result) == weights(world, whole[0])


def test_a_folder_without_a_training_keeps_what_stands_there(world: TrainingWorld, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("somebody's own")
    world.train(world.job(ROWS_URI, name="beside"), tmp_path)
    assert notes.read_text() == "somebody's own"


def test_what_a_training_worked_before_a_pause_is_counted_wherever_that_comes(
    world: TrainingWorld, tmp_path: Path
) -> None:
    job = world.job(world.put_rows("paused", ROWS), name="paused")
    with pytest.raises(SystemExit):
        world.train(job, tmp_path / "work", _Pausing())
    assert float((tmp_path / "work" / "seconds").read_text()) > 0


class _Pausing(Events):
    """Leaves as Interruption does, while rows are looked up."""

    def __call__(self, event: Progress) -> None:
        if event.phase is Phase.LOOKING_UP:
            sys.exit(INTERRUPTED_STATUS)


def test_a_training_keeps_its_domains_node_within_the_budget_in_whatever_memory(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    job = replace(world.job(world.put_rows("bounded", ROWS), name="bounded"), max_memory_bytes=1)
    little = world.train(job, tmp_path / "little")
    assert little.segment.digest == world.train(
        replace(job, max_memory_bytes=1 << 30, segment_out_uri=BundleUri("out/much/segment"),
                tree_out_uri=BundleUri("out/much/tree"), version_out_uri=BundleUri("out/much/version")),
        tmp_path / "much",
    ).segment.digest  # fmt: skip
    job = replace(
        job,
        max_node_bytes=4_000,
        tree_out_uri=BundleUri("out/few/tree"),
        version_out_uri=BundleUri("out/few/v"),
    )
    few = world.train(job, tmp_path / "few")
    assert few.segment == little.segment
    tables = [
        open_tree(world.store, done.tree.uri, done.tree.digest, backbone=world.backbone.digest).tables[-1]
        for done in (little, few)
    ]
    assert tables[0].num_bytes > 4_000
    assert 3_600 < tables[1].num_bytes <= 4_000
    assert not (tmp_path / "few" / "domain").exists()


def test_a_disk_that_is_full_while_rows_are_looked_up_leaves_no_half_file(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    job = world.job(world.put_rows("full", ROWS), name="full")
    with pytest.raises(Killed):
        world.train(job, tmp_path / "work", Events(dies_in=Phase.LOOKING_UP))
    with full_disk(), pytest.raises(OSError, match="too large"):
        world.train(job, tmp_path / "work")
    assert not [path.name for path in (tmp_path / "work").iterdir() if "f16" in path.name]
    assert weights(world, world.train(job, tmp_path / "work")) == weights(world, whole[0])


def test_a_finished_training_says_the_same_again_and_does_nothing(
    world: TrainingWorld, tmp_path: Path
) -> None:
    job = world.job(world.put_rows("again", ROWS), name="again")
    first = world.train(job, tmp_path / "work")
    events = Events()
    assert world.train(job, tmp_path / "work", events) == first
    assert not [event for event in events.heard if event.phase is not Phase.STARTING]
    assert not [path.name for path in (tmp_path / "work").iterdir() if path.suffix in (".f16", ".i16")]


def test_texts_of_the_general_node_train_and_are_not_counted_again(
    world: TrainingWorld, tmp_path: Path
) -> None:
    rows = [*ROWS, (GENERAL_TEXTS[0], "positive"), (f"  {GENERAL_TEXTS[3]} ", "negative")]
    result = world.train(world.job(world.put_rows("general", rows), name="general"), tmp_path / "work")
    assert result.report["rows"]["from_ancestors"] == 2
    assert not {121, 122} & set(result.report["test_rows"])
    segment = open_segment(
        world.store.localize(result.segment.uri, result.segment.digest), result.segment.digest
    )
    assert text_hash(GENERAL_TEXTS[0]) not in segment.documents


def test_texts_of_the_domains_other_datasets_are_never_held_out(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    segment = whole[0].segment
    sibling = SegmentRef(world.job(ROWS_URI, name="whole").dataset_id, segment.uri, segment.digest)
    rows = [*ROWS[:60], *invented_rows(80, seed=5)]
    job = world.job(world.put_rows("second", rows), name="second", segments=(sibling,))
    result = world.train(job, tmp_path / "work")
    seen = open_segment(world.store.localize(segment.uri, segment.digest), segment.digest).documents
    held_out = {text_hash(rows[number - 1][0]) for number in result.report["test_rows"]}
    assert not held_out & set(seen.tolist())
    tree = open_tree(world.store, result.tree.uri, result.tree.digest, backbone=world.backbone.digest)
    assert len(tree.fields.nodes[-1].segments) == 2


def test_a_tree_that_a_lost_attempt_made_of_other_segments_is_not_taken(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    """Its scratch folder was another machine's; what it was made of has been deleted since."""
    segment = whole[0].segment
    deleted = SegmentRef(world.job(ROWS_URI, name="whole").dataset_id, segment.uri, segment.digest)
    rows = world.put_rows("elsewhere", invented_rows(60, seed=7))
    job = world.job(rows, name="elsewhere", segments=(deleted,))
    with pytest.raises(Killed):
        world.train(job, tmp_path / "there", Events(dies_in=Phase.TRAINING))
    assert world.store.exists(job.tree_out_uri)
    with pytest.raises(AlreadyExists, match="other segments"):
        world.train(replace(job, segments=()), tmp_path / "here")


def test_a_dataset_is_trained_on_again_with_the_segment_it_has(world: TrainingWorld, tmp_path: Path) -> None:
    job = world.job(world.put_rows("twice", ROWS), name="twice")
    first = world.train(job, tmp_path / "first")
    again = replace(
        world.job(job.rows_uri, name="twice-again", recipe=replace(RECIPE, seed=9, epochs=1)),
        dataset_id=job.dataset_id,
        segment_out_uri=job.segment_out_uri,
    )
    second = world.train(again, tmp_path / "second")
    assert second.segment == first.segment
    assert second.report["rows"] == first.report["rows"]
    seen = open_segment(
        world.store.localize(first.segment.uri, first.segment.digest), first.segment.digest
    ).documents
    held_out = {text_hash(ROWS[number - 1][0]) for number in second.report["test_rows"]}
    assert not held_out & set(seen.tolist())


def test_it_refuses_a_recipe_that_no_training_can_follow(world: TrainingWorld, tmp_path: Path) -> None:
    assert refused(world, tmp_path, ROWS, recipe=replace(RECIPE, epochs=0)).code is ErrorCode.INVALID_FIELD


def test_it_refuses_one_label(world: TrainingWorld, tmp_path: Path) -> None:
    rows = [(text, "positive") for text, _ in ROWS]
    assert refused(world, tmp_path, rows).code is ErrorCode.DATASET_ONE_LABEL


def test_it_refuses_too_few_rows_to_hold_any_out(world: TrainingWorld, tmp_path: Path) -> None:
    assert refused(world, tmp_path, ROWS[:4]).code is ErrorCode.DATASET_TOO_FEW_ROWS


def test_it_refuses_rows_of_an_unknown_label(world: TrainingWorld, tmp_path: Path) -> None:
    error = refused(world, tmp_path, [*ROWS, ("the secret", "mixed")])
    assert error.code is ErrorCode.DATASET_BAD_FORMAT
    assert "secret" not in error.message


def test_a_work_folder_serves_one_job(world: TrainingWorld, tmp_path: Path) -> None:
    uri = world.put_rows("other", ROWS)
    with pytest.raises(Killed):
        world.train(world.job(uri, name="first"), tmp_path / "work", Events(dies_in=Phase.SPLITTING))
    with pytest.raises(InvalidInput, match="job-first"):
        world.train(world.job(uri, name="other"), tmp_path / "work")


def test_a_text_that_another_dataset_has_in_capitals_is_never_held_out(
    world: TrainingWorld, whole: tuple[TrainResult, Events], tmp_path: Path
) -> None:
    segment = whole[0].segment
    sibling = SegmentRef(world.job(ROWS_URI, name="whole").dataset_id, segment.uri, segment.digest)
    seen = open_segment(world.store.localize(segment.uri, segment.digest), segment.digest).documents
    rows = [*((text.upper(), label) for text, label in ROWS), *invented_rows(40, seed=7)]
    job = world.job(world.put_rows("capitals", rows), name="capitals", segments=(sibling,))
    held_out = world.train(job, tmp_path / "work").report["test_rows"]
    assert held_out
    assert not {text_hash(rows[number - 1][0]) for number in held_out} & set(seen.tolist())
