"""Private leaves: tried where the recipe asks for one, kept where they gain, of private n-grams alone."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hmi.build.data import read_rows
from hmi.build.export import export_version, open_exported
from hmi.build.kinds.chosen import training_kind
from hmi.build.offline import open_offline
from hmi.build.private_leaf import build_leaf, leaf_trial, private_rows
from hmi.plot.ngram import CentredScheme
from hmi.plot.segment import open_segment
from hmi.plot.tree import open_tree
from tests.hmi.build.test_update_domain import SHARED, contribution, train, update
from tests.hmi.build.training_world import (
    LABELS,
    NEUTRAL,
    RECIPE,
    Events,
    Killed,
    TrainingWorld,
    invented_rows,
    make_world,
)
from wire.artifacts import ExportedHplm
from wire.ids import BundleUri
from wire.inference import LabelAnswer
from wire.tasks import TaskKind
from wire.training import Phase, TrainJob, TrainResult

pytestmark = pytest.mark.slow  # whole trainings


def paired_rows(num_rows: int) -> list[tuple[str, str]]:
    """The label lies in two neighbours together: what n-grams tell and single words do not."""
    chance = random.Random(2)
    rows = []
    for number in range(num_rows):
        pair = chance.choice(("good", "bad")), chance.choice(("film", "match"))
        before, after = (chance.choices(NEUTRAL[2:], k=2) for _ in range(2))
        is_positive = (pair[0] == "good") == (pair[1] == "film")
        rows.append((" ".join([*before, *pair, *after]) + f" {number}", LABELS[is_positive]))
    return rows


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


def a_job(world: TrainingWorld, name: str, rows: list[tuple[str, str]], leaf_mb: float = 0.5) -> TrainJob:
    recipe = replace(RECIPE, epochs=8, leaf_mb=leaf_mb)
    return replace(world.job(world.put_rows(name, rows), name=name, recipe=recipe), is_domain_shared=True)


@pytest.fixture(scope="module")
def events() -> Events:
    return Events()


@pytest.fixture(scope="module")
def kept(world: TrainingWorld, events: Events, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return world.train(a_job(world, "kept", paired_rows(160)), tmp_path_factory.mktemp("work"), events)


def test_a_leaf_that_gains_is_kept_beside_its_version(
    world: TrainingWorld, events: Events, kept: TrainResult
) -> None:
    trial = kept.report["private_leaf"]
    assert trial["is_kept"] and trial["gain_points"] >= 0.3
    assert trial["validation_with"] == pytest.approx(trial["validation_without"] + trial["gain_points"] / 100)
    assert trial["num_bytes"] <= trial["max_bytes"] == 500_000
    assert kept.report["private_share"] == 1.0
    assert events.heard[-1].phase is Phase.PUBLISHING
    assert events.heard[-1].validation_accuracy == trial["validation_with"], "told of the other model"
    assert kept.leaf is not None
    assert kept.leaf.uri.startswith(f"{kept.version.uri}.leaf-")
    assert world.store.digest(kept.leaf.uri) == kept.leaf.digest
    assert (kept.tree.uri, kept.tree.digest) == (world.tree.uri, world.tree.digest), "the domain's own tree"
    assert world.store.digest(BundleUri("out/kept/tree")) is None, "a shared domain gets no node"


def test_offline_answers_are_the_reports_and_stay_so_in_a_copy(
    world: TrainingWorld, kept: TrainResult, tmp_path: Path
) -> None:
    with world.store.open_file(BundleUri("datasets/kept/rows.jsonl")) as lines:
        rows = {row.row: row for row in read_rows(lines, training_kind(TaskKind.SINGLE_LABEL, LABELS))}
    held_out = [rows[number] for number in kept.report["test_rows"]]
    texts = [row.input for row in held_out]
    model = open_offline(world.store, kept.version.uri, kept.tree.uri, backbone_uri=None)
    answers = model.answers(texts)
    labels = [answer.label for answer in answers if isinstance(answer, LabelAnswer)]
    right = [label == row.label for label, row in zip(labels, held_out, strict=True)]
    assert sum(right) / len(right) == pytest.approx(kept.report["accuracy"])
    contents = ExportedHplm(kept.version.uri, kept.tree.uri, BundleUri("backbones/tiny"))
    export_version(world.store, contents, tmp_path / "copy")
    assert open_exported(tmp_path / "copy").answers(texts) == answers


def test_a_version_whose_leaf_was_destroyed_predicts_without_it(
    world: TrainingWorld, kept: TrainResult, tmp_path: Path
) -> None:
    contents = ExportedHplm(kept.version.uri, kept.tree.uri, BundleUri("backbones/tiny"))
    export_version(world.store, contents, tmp_path / "copy")
    whole = open_exported(tmp_path / "copy")
    text = paired_rows(1)[0][0]
    leaf = next((tmp_path / "copy" / "store").rglob("version.leaf-*"))
    leaf.rename(tmp_path / "gone")
    without = open_exported(tmp_path / "copy")
    coverage = [m.predict(m.encode([text])).coverage.trigram for m in (whole, without)]
    assert coverage[0] > coverage[1]


def test_a_training_killed_while_it_tries_a_leaf_ends_as_if_it_had_not_been(
    world: TrainingWorld, kept: TrainResult, tmp_path: Path
) -> None:
    job = a_job(world, "kept", paired_rows(160))
    job = replace(job, version_out_uri=BundleUri("out/killed/version"))
    with pytest.raises(Killed):
        world.train(job, tmp_path, Events(dies_in=Phase.TRYING_LEAF, dies_at_step=5))
    again = world.train(job, tmp_path)
    assert again.leaf is not None and kept.leaf is not None
    assert again.leaf.digest == kept.leaf.digest
    assert again.report["private_leaf"] == kept.report["private_leaf"]
    assert again.report["accuracy"] == kept.report["accuracy"]


def test_without_a_wish_there_is_no_leaf_and_a_tiny_one_keeps_its_bytes(
    world: TrainingWorld, kept: TrainResult, tmp_path: Path
) -> None:
    job = replace(a_job(world, "kept", paired_rows(160), 0.0), version_out_uri=BundleUri("out/plain/version"))
    plain = world.train(job, tmp_path / "plain")
    assert (plain.leaf, plain.report["private_leaf"]) == (None, None)
    own = open_segment(world.store.localize(kept.segment.uri, kept.segment.digest), kept.segment.digest)
    tree = open_tree(world.store, kept.tree.uri, kept.tree.digest, backbone=world.backbone.digest)
    leaf = build_leaf(own, private_rows(world.store, tree, own), tree, 4000)
    assert leaf is not None
    assert leaf.table.num_bytes <= 4000 < kept.report["private_leaf"]["num_bytes"]
    large = build_leaf(own, private_rows(world.store, tree, own), tree, 10**6)
    assert large is not None
    assert leaf_trial(large, 10**6, without=0.9, with_it=0.9031, is_cut_short=False).is_kept
    few = leaf_trial(large, 10**6, without=0.9, with_it=0.9029, is_cut_short=False)
    assert not few.is_kept and "less than 0.3 points" in few.why
    cut = leaf_trial(large, 10**6, without=0.5, with_it=0.9, is_cut_short=True)
    assert not cut.is_kept and "no time was left" in cut.why


def test_a_leaf_holds_only_what_the_rule_of_tenants_kept_out(world: TrainingWorld, tmp_path: Path) -> None:
    given = {name: train(world, tmp_path, name, seed) for seed, name in enumerate(("a", "b", "c"), start=1)}
    shared = update(
        world, [contribution(result, name) for name, (result, _) in given.items()], "domains/s/trees/leafy"
    )
    tree = open_tree(world.store, shared.tree.uri, shared.tree.digest, backbone=world.backbone.digest)
    segment = given["a"][0].segment
    own = open_segment(world.store.localize(segment.uri, segment.digest), segment.digest)
    is_private = private_rows(world.store, tree, own)
    assert is_private.mean() == pytest.approx(shared.private_shares["a"])
    leaf = build_leaf(own, is_private, tree, 10**6)
    assert leaf is not None
    assert set(leaf.segment.keys[leaf.segment.counts > 0]) == set(own.keys[is_private])
    # What came along for its row's sake is the row of the node above.
    borrowed = leaf.segment.keys[leaf.segment.counts == 0]
    assert len(borrowed) > 0
    above = tree.tables[-1]
    difference = leaf.table.rows(leaf.table.find(borrowed)) - above.rows(above.find(borrowed))
    assert abs(difference).max() < 0.1  # 8 bits each
    scheme = CentredScheme()
    for rung in range(4):
        rows = scheme.rung_rows(leaf.segment.keys, rung)
        for part in scheme.parts(leaf.segment.keys, rows, rung):
            assert (part.rows < len(leaf.segment.keys)).all()
    job = replace(
        a_job(world, "a", invented_rows(60, seed=1)),
        tree_uri=shared.tree.uri,
        tree_digest=shared.tree.digest,
        domain_id=SHARED,
        version_out_uri=BundleUri("out/a/leafy"),
    )
    report = world.train(job, tmp_path / "leafy").report
    assert report["private_share"] == pytest.approx(shared.private_shares["a"])
    assert report["private_leaf"]["num_rows"] == leaf.table.num_rows
