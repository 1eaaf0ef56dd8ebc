"""What one training of a dataset leaves to the next, and to nobody else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmi.build.data import LabelledRow
from hmi.build.dataset_parts import Part
from hmi.build.job_progress import JobProgress
from hmi.build.split import Split, split_rows
from hmi.build.state_cache import StateCache
from hmi.build.train_job import run_training
from hmi.build.training.shared_files import SharedFiles
from hmi.build.work_folder import WorkFolder
from hmi.model.tokenizer import EncodedTexts
from hmi.plot.ngram import Documents
from tests.hmi.build.training_world import (
    RECIPE,
    Events,
    Killed,
    TrainingWorld,
    invented_rows,
    weights,
)
from wire.ids import BundleUri, JobId, TenantId
from wire.training import Phase, TrainJob, TrainResult

ROWS = invented_rows(120)


def test_the_next_training_of_a_dataset_takes_the_states_of_the_one_before(
    world: TrainingWorld, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    job = world.job(
        world.put_rows("cached", ROWS), name="cached", recipe=replace(RECIPE, compare_computed=True)
    )
    again = replace(
        job,
        job_id=JobId("job-again"),
        tree_out_uri=BundleUri("out/again/tree"),
        version_out_uri=BundleUri("out/again/version"),
    )
    first = _trained_with(world, job, tmp_path / "first", cache)
    kept = _kept(cache)
    second = _trained_with(world, again, tmp_path / "second", cache)
    assert len(kept) == 6  # looked-up states of each part, computed ones of two, and the trained model
    assert _different(_kept(cache)) == _different(kept)
    assert weights(world, second) == weights(world, first)
    foreign = replace(
        again,
        tenant_id=TenantId("globex"),
        tree_out_uri=BundleUri("out/foreign/tree"),
        version_out_uri=BundleUri("out/foreign/version"),
    )
    third = _trained_with(world, foreign, tmp_path / "third", cache)
    assert weights(world, third) == weights(world, first)
    assert len(_different(_kept(cache))) == 12  # it found nothing of another tenant's, and left its own


def test_states_that_were_taken_are_the_ones_that_are_trained_on(
    world: TrainingWorld, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    job = world.job(world.put_rows("taken", ROWS), name="taken")
    _trained_with(world, job, tmp_path / "first", cache)
    again = replace(
        job, version_out_uri=BundleUri("out/taken-again/version"), recipe=replace(RECIPE, learning_rate=1e-3)
    )
    with pytest.raises(Killed):
        _trained_with(world, again, tmp_path / "second", cache, Events(dies_in=Phase.TRAINING))
    for part in ("train", "validation", "test"):
        taken = tmp_path / "second" / f"plot-{part}.f16"
        assert any(taken.samefile(path) for path in _kept(cache))


def test_trainings_of_a_dataset_by_other_seeds_have_one_teacher(world: TrainingWorld, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    recipe = replace(RECIPE, epochs=12, min_steps=100, distil=True)
    job = world.job(world.put_rows("taught", ROWS), name="taught", recipe=recipe)
    seed_9 = replace(job, recipe=replace(recipe, seed=9))
    other = replace(job, version_out_uri=BundleUri("out/taught-other/version"))
    events = Events(), Events()
    _trained_with(world, seed_9, tmp_path / "one", cache, events[0])
    # The same rows held out as by the other seed.
    second = _trained_with(world, other, tmp_path / "two", cache, events[1], split_seed=9)
    steps = [
        sum(event.phase is Phase.COMPARING and event.loss is not None for event in one.heard)
        for one in events
    ]
    assert steps[0] > 0 and steps[1] == 0
    alone = replace(job, version_out_uri=BundleUri("out/taught-alone/version"))
    without = _trained_with(world, alone, tmp_path / "three", tmp_path / "none", split_seed=9)
    assert weights(world, without) == weights(world, second)


def test_what_other_code_has_left_is_not_taken(world: TrainingWorld, tmp_path: Path) -> None:
    job = world.job(world.put_rows("released", ROWS), name="released", recipe=RECIPE)
    cache = StateCache(tmp_path / "cache", 1 << 20)
    documents = Documents.pack([np.arange(3, dtype=np.int32)])
    part = Part((), np.zeros(1), EncodedTexts(documents, np.zeros(1, np.bool_), np.array([3])))
    left = tmp_path / "states"
    left.write_bytes(b"states")
    older = SharedFiles(job, cache, code="older")
    older.keep(older.file_of("states", part), left)
    for code, is_taken in (("older", True), ("newer", False)):
        shared = SharedFiles(job, cache, code=code)
        shared.take(shared.file_of("states", part), tmp_path / code)
        assert (tmp_path / code).exists() is is_taken


def _trained_with(
    world: TrainingWorld,
    job: TrainJob,
    work: Path,
    cache: Path,
    events: Events | None = None,
    split_seed: int | None = None,
) -> TrainResult:
    def split(rows: Sequence[LabelledRow], *, seed: int, stands_above: Sequence[bool]) -> Split:
        return split_rows(rows, seed=split_seed or seed, stands_above=stands_above)

    return run_training(
        job,
        split=split,
        store=world.store,
        work=WorkFolder(work),
        progress=JobProgress(events or Events()),
        cache=StateCache(cache, 1 << 30),
    )


def _kept(cache: Path) -> list[Path]:
    return sorted(cache.glob("*/*/*/*"))


def _different(paths: list[Path]) -> set[int]:
    return {path.stat().st_ino for path in paths}
