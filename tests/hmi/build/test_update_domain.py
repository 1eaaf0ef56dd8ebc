"""Updates of a domain on a real, tiny backbone; forgetting equals a store that never saw the tenant."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

from hmi.base.errors import BundleBroken, HmiError, NotFound
from hmi.build.job_progress import JobProgress
from hmi.build.suggest_domain import suggest_domain
from hmi.build.update_domain import update_domain
from hmi.plot.tree import open_tree
from tests.hmi.build.training_world import (
    BAD,
    GOOD,
    NEUTRAL,
    RECIPE,
    Events,
    TrainingWorld,
    invented_rows,
    make_world,
)
from wire.artifacts import BundleRef
from wire.domains import (
    Contribution,
    DomainJob,
    DomainResult,
    DomainTree,
    GatedTask,
    SuggestJob,
)
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.tasks import TaskKind
from wire.training import TrainResult

pytestmark = pytest.mark.slow  # whole trainings

SHARED = DomainId("00000000-0000-4000-8000-00000000000f")


def train(world: TrainingWorld, folder: Path, name: str, seed: int) -> tuple[TrainResult, BundleUri]:
    rows_uri = world.put_rows(name, invented_rows(60, seed=seed))
    job = replace(world.job(rows_uri, name=name), recipe=replace(world.job(rows_uri).recipe, epochs=1))
    return world.train(job, folder / f"work-{name}"), rows_uri


def contribution(result: TrainResult, name: str) -> Contribution:
    return Contribution(
        DatasetId(f"dataset-{name}"), TenantId(name), result.segment.uri, result.segment.digest
    )


def update(
    world: TrainingWorld, contributions: list[Contribution], uri: str, **changes: object
) -> DomainResult:
    backbone = BundleRef(BundleUri("backbones/tiny"), world.backbone.digest)
    plain = DomainJob(
        job_id=JobId("job"),
        domain_id=SHARED,
        backbone=backbone,
        parent=world.tree,
        contributions=tuple(contributions),
        is_shared=True,
        tree_out_uri=BundleUri(uri),
    )
    job = replace(plain, **changes)  # type: ignore[arg-type]  # any of its fields
    with TemporaryDirectory() as folder:
        work = Path(folder)
        result = update_domain(job, store=world.store, folder=work, progress=JobProgress(Events()))
        assert list(work.iterdir()) == []
        return result


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def trained(
    world: TrainingWorld, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[TrainResult, BundleUri]]:
    folder = tmp_path_factory.mktemp("work")
    return {name: train(world, folder, name, seed) for seed, name in enumerate(("a", "b", "c", "d"), start=1)}


def parts(trained: dict[str, tuple[TrainResult, BundleUri]], names: str) -> list[Contribution]:
    return [contribution(trained[name][0], name) for name in names]


def test_forgetting_equals_a_store_that_never_saw_the_tenant(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]], tmp_path: Path
) -> None:
    with_d = update(world, parts(trained, "abcd"), "domains/s/trees/with")
    forgotten = update(
        world,
        parts(trained, "abc"),
        "domains/s/trees/without",
        tree_before=BundleRef(with_d.tree.uri, with_d.tree.digest),
    )
    assert forgotten.tree.digest != with_d.tree.digest
    assert sum(forgotten.diff.rows_dropped.values()) > 0
    (tmp_path / "second").mkdir()
    never = make_world(tmp_path / "second")
    fresh = {
        name: train(never, tmp_path, f"{name}", seed)  # the tenants trained anew, in another store
        for seed, name in enumerate(("a", "b", "c"), start=1)
    }
    for name in "abc":
        assert fresh[name][0].segment.digest == trained[name][0].segment.digest
    elsewhere = update(never, parts(fresh, "cab"), "domains/other/trees/never")
    assert elsewhere.tree.digest == forgotten.tree.digest
    assert elsewhere.private_shares == forgotten.private_shares
    # And of a domain that one tenant's datasets make, whose node names their segments.
    own = [
        update(
            where, [replace(one, tenant_id=TenantId("a")) for one in parts(some, "ab")], uri, is_shared=False
        )
        for where, some, uri in ((world, trained, "tenants/a/trees/0"), (never, fresh, "tenants/a/trees/1"))
    ]
    assert own[0].tree.digest == own[1].tree.digest != forgotten.tree.digest


def test_a_shared_node_names_no_tenants_segment(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    made = update(world, parts(trained, "abc"), "domains/s/trees/sum")
    tree = open_tree(world.store, made.tree.uri, made.tree.digest, backbone=world.backbone.digest)
    (segment,) = tree.fields.nodes[-1].segments
    assert segment.uri.startswith("domains/s/trees/sum.segment-")
    assert all(0 < share < 1 for share in made.private_shares.values())


def test_an_update_done_again_publishes_nothing_new(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    first = update(world, parts(trained, "abc"), "domains/s/trees/twice")
    again = update(world, parts(trained, "bca"), "domains/s/trees/twice")
    assert again == first


@pytest.mark.parametrize("is_shared", [True, False])
def test_the_memory_that_an_update_takes_changes_nothing(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]], is_shared: bool
) -> None:
    much, little = (
        update(world, parts(trained, "abcd"), f"domains/s/trees/{name}", is_shared=is_shared,
               max_memory_bytes=max_bytes)
        for name, max_bytes in ((f"much-{is_shared}", 1 << 30), (f"little-{is_shared}", 1))
    )  # fmt: skip
    nodes = [
        open_tree(world.store, made.tree.uri, made.tree.digest, backbone=world.backbone.digest).fields.nodes
        for made in (much, little)
    ]
    assert nodes[0][-1].digest == nodes[1][-1].digest
    assert [ref.digest for ref in nodes[0][-1].segments] == [ref.digest for ref in nodes[1][-1].segments]
    assert much.private_shares == little.private_shares


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("max_bytes", [2_000, 6_000])
def test_a_node_never_exceeds_its_budget(
    world: TrainingWorld,
    trained: dict[str, tuple[TrainResult, BundleUri]],
    is_shared: bool,
    max_bytes: int,
) -> None:
    contributions = parts(trained, "abcd")
    whole = update(world, contributions, f"domains/s/trees/whole-{is_shared}", is_shared=is_shared)
    bounded = update(
        world,
        contributions,
        f"domains/s/trees/bounded-{is_shared}-{max_bytes}",
        is_shared=is_shared,
        max_node_bytes=max_bytes,
    )
    tables = [
        open_tree(world.store, made.tree.uri, made.tree.digest, backbone=world.backbone.digest).tables[-1]
        for made in (whole, bounded)
    ]
    assert tables[0].num_bytes > max_bytes
    assert 0.9 * max_bytes < tables[1].num_bytes <= max_bytes
    at = tables[0].find(tables[1].keys)
    assert np.array_equal(tables[1].codes, tables[0].codes[at])


def test_the_gate_tries_deployed_tasks_on_their_held_out_rows(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    result, rows_uri = trained["a"]
    version = BundleRef(result.version.uri, result.version.digest)
    tree = BundleRef(result.tree.uri, result.tree.digest)
    rows = tuple(result.report["test_rows"])
    tasks = (
        GatedTask(TaskId("agreed"), version, tree, rows_uri, rows),
        GatedTask(TaskId("silent"), version, tree, rows_uri, ()),
    )
    own = [replace(one, tenant_id=TenantId("a")) for one in parts(trained, "ab")]
    done = update(world, own, "tenants/a/trees/own", is_shared=False, tree_before=tree, tasks=tasks)
    agreed, silent = done.verdicts
    assert agreed.num_rows == len(rows)
    assert agreed.accuracy_before == pytest.approx(result.report["accuracy"])
    assert agreed.p_value is not None
    assert agreed.moves == (agreed.p_value >= 0.05)
    assert sum(agreed.coverage_after.values()) == pytest.approx(1)
    assert (silent.moves, silent.num_rows, silent.metric, silent.p_value) == (False, 0, None, None)
    opened = open_tree(world.store, done.tree.uri, done.tree.digest, backbone=world.backbone.digest)
    assert {ref.digest for ref in opened.fields.nodes[-1].segments} == {one.digest for one in own}


KINDS = {
    TaskKind.SINGLE_LABEL: ("negative", "positive"),
    TaskKind.SENTENCE_PAIR: ("negative", "positive"),
    TaskKind.MULTI_LABEL: ("bad", "good"),
    TaskKind.SCORE: (),
    TaskKind.TOKEN_CLASSIFICATION: ("blame", "praise"),
}
"""With their labels."""


def labelled_rows(num_rows: int, kind: TaskKind) -> list[dict[str, Any]]:
    """Rows with what each of KINDS is trained on, of several labels and places a row; of one kind a pair.
    In every fourth row one place is left out, so that no model is right in all."""
    chance, rows = random.Random(4), []
    for number in range(1, num_rows + 1):
        text, spans = str(number), []
        for _ in range(4):
            label, words = chance.choice((("praise", GOOD), ("blame", BAD), (None, NEUTRAL)))
            word = chance.choice(words)
            if label is not None:
                spans.append({"start": len(text) + 1, "end": len(text) + 1 + len(word), "label": label})
            text += f" {word}"
        num_good = sum(span["label"] == "praise" for span in spans)
        is_good, labels = 2 * num_good > len(spans), {"bad"} if len(spans) > num_good else set()
        marked = spans[1:] if number % 4 == 0 else spans
        pair = {"pair": text[::-1]} if kind is TaskKind.SENTENCE_PAIR else {}
        rows.append(
            {"row": number, "text": text, **pair, "label": "positive" if is_good else "negative",
             "labels": sorted(labels | ({"good"} if num_good else set())), "value": float(num_good),
             "spans": marked}
        )  # fmt: skip
    return rows


@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_tells_the_figure_that_the_kind_is_judged_by(kind: TaskKind, tmp_path: Path) -> None:
    """On the tree that a version was tested on, its held-out rows have the report's headline."""
    name, labels = kind.value, KINDS[kind]
    rows_uri = BundleUri(f"datasets/{name}/rows.jsonl")
    recipe = replace(RECIPE, epochs=12, batch_rows=8, learning_rate=2e-2)
    world = make_world(tmp_path, weight_scale=0.1)  # from which spans can be learnt
    world.store.put_file(
        rows_uri, "".join(json.dumps(row) + "\n" for row in labelled_rows(120, kind)).encode()
    )
    result = world.train(
        world.job(rows_uri, name=name, labels=labels, recipe=recipe, kind=kind), tmp_path / "work"
    )
    version = BundleRef(result.version.uri, result.version.digest)
    tree = BundleRef(result.tree.uri, result.tree.digest)
    task = GatedTask(TaskId(name), version, tree, rows_uri, tuple(result.report["test_rows"]))
    done = update(world, [contribution(result, "a")], f"{name}/trees/own", is_shared=False, tasks=(task,))
    headline, (verdict,) = result.report["headline"], done.verdicts
    assert (verdict.metric, verdict.num_rows) == (headline["name"], result.report["rows"]["test"])
    assert verdict.accuracy_before == pytest.approx(headline["value"], abs=1e-6)
    assert 0.05 < headline["value"] < 1, headline


def test_what_is_broken_or_gone_of_one_task_holds_up_no_others_update(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]], tmp_path: Path
) -> None:
    result, rows_uri = trained["a"]
    version = BundleRef(result.version.uri, result.version.digest)
    tree = BundleRef(result.tree.uri, result.tree.digest)
    rows = tuple(result.report["test_rows"])
    gone, damaged = BundleUri("tenants/b/versions/gone"), BundleUri("tenants/b/rows.jsonl")
    world.store.put_file(damaged, b'{"row": 1, "te')
    sound = GatedTask(TaskId("sound"), version, tree, rows_uri, rows)
    tasks = (
        replace(sound, task_id=TaskId("version gone"), version=replace(version, uri=gone)),
        replace(sound, task_id=TaskId("tree gone"), tree=replace(tree, uri=gone)),
        replace(sound, task_id=TaskId("leaf gone"), leaf=replace(tree, uri=gone)),
        replace(sound, task_id=TaskId("file gone"), rows_uri=gone),
        replace(sound, task_id=TaskId("file damaged"), rows_uri=damaged),
        replace(sound, task_id=TaskId("rows gone"), rows=(1 << 30,)),
        sound,
    )
    own = [replace(one, tenant_id=TenantId("a")) for one in parts(trained, "ab")]
    done = update(world, own, "tenants/a/trees/broken", is_shared=False, tree_before=tree, tasks=tasks)
    *broken, tried = done.verdicts
    assert [(one.moves, one.num_rows) for one in broken] == [(False, 0)] * 6
    alone = update(world, own, "tenants/a/trees/broken", is_shared=False, tree_before=tree, tasks=(sound,))
    assert tried == alone.verdicts[0] and tried.num_rows == len(rows)


def test_a_domain_whose_tree_was_lost_gets_a_new_one(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    lost = BundleRef(BundleUri("domains/s/trees/gone"), trained["a"][0].tree.digest)
    made = update(world, parts(trained, "abc"), "domains/s/trees/lost", tree_before=lost)
    assert made.diff.rows_added == made.diff.rows_after
    assert sum(made.diff.rows_after.values()) > 0


def test_a_tree_that_is_brought_back_is_never_made(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    """Lost from the store it would be made without the rule of tenants, where an update finds it."""
    uri = BundleUri("domains/s/trees/back")
    with pytest.raises(NotFound):
        update(world, parts(trained, "abc"), uri, is_standing=True)
    assert world.store.digest(uri) is None
    made = update(world, parts(trained, "abc"), uri)
    back = update(world, parts(trained, "abc"), uri, is_standing=True)
    assert (back.tree, back.private_shares) == (made.tree, {})


def test_a_missing_segment_is_an_error_and_publishes_nothing(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    gone = replace(contribution(trained["a"][0], "a"), uri=BundleUri("tenants/a/segments/gone"))
    with pytest.raises(HmiError):
        update(world, [gone], "domains/s/trees/none")
    assert world.store.digest(BundleUri("domains/s/trees/none")) is None


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_segment_is_named_and_nothing_is_published(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]], tmp_path: Path, damage: str
) -> None:
    sound = contribution(trained["a"][0], "a")
    shutil.copytree(world.store.localize(sound.uri, sound.digest), tmp_path / "segment")
    uri = BundleUri(f"tenants/a/segments/{damage}")
    world.store.publish(tmp_path / "segment", uri)
    means = world.store.localize(uri, sound.digest) / "means.npy"
    content = bytearray(means.read_bytes())
    content[-1] ^= 1
    means.write_bytes(content[:-1] if damage == "cut" else content)
    with pytest.raises(BundleBroken, match=r"means\.npy in bundle .* build it again"):
        update(world, [replace(sound, uri=uri), *parts(trained, "bc")], f"domains/s/trees/{damage}")
    assert world.store.digest(BundleUri(f"domains/s/trees/{damage}")) is None


def test_the_domain_whose_n_grams_a_text_has_is_suggested(
    world: TrainingWorld, trained: dict[str, tuple[TrainResult, BundleUri]]
) -> None:
    result, rows_uri = trained["a"]
    job = SuggestJob(
        job_id=JobId("job"),
        dataset_id=DatasetId("a"),
        rows_uri=rows_uri,
        backbone=BundleRef(BundleUri("backbones/tiny"), world.backbone.digest),
        general=world.tree,
        domains=(DomainTree(DomainId("films"), BundleRef(result.tree.uri, result.tree.digest)),),
    )
    found = suggest_domain(job, store=world.store, progress=JobProgress(Events()))
    assert found.best == DomainId("films")
    assert [one.domain_id for one in found.coverages] == [DomainId("films"), None]
    assert all(one.trigram + one.bigram + one.unigram == pytest.approx(1) for one in found.coverages)
    foreign = world.put_rows("foreign", [("zzqx vvkw", "x"), ("qqj xxz", "y")])
    nothing = suggest_domain(
        replace(job, rows_uri=foreign), store=world.store, progress=JobProgress(Events())
    )
    assert nothing.best is None


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_domain_whose_last_segment_went_has_an_empty_node(world: TrainingWorld, is_shared: bool) -> None:
    made = update(world, [], f"domains/s/trees/empty-{is_shared}", is_shared=is_shared)
    tree = open_tree(world.store, made.tree.uri, made.tree.digest, backbone=world.backbone.digest)
    assert len(tree.fields.nodes) == 2
    assert sum(made.diff.rows_after.values()) == 0
