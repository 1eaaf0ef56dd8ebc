"""A store with a tiny backbone, a general tree and one dataset: what a training job needs, in a second."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hmi.artifacts.bundle import read_manifest
from hmi.artifacts.store import Store, open_store
from hmi.build.backbone_source import BackboneSource, weights_sha256
from hmi.build.calibration_file import CalibrationRecord, write_calibration
from hmi.build.job_progress import JobProgress
from hmi.build.plot_builder import build_root, count_texts, publish_segment, text_dataset_id
from hmi.build.train_job import run_training
from hmi.build.windows import Windowing
from hmi.build.work_folder import WorkFolder
from hmi.model.backbone import Backbone
from tests.tiny.backbone import make_tiny_backbone
from wire.artifacts import BundleRef
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.imports import ImportJob
from wire.tasks import TaskKind
from wire.training import Phase, Progress, Recipe, SegmentRef, TrainJob, TrainResult

GOOD, BAD = ("good", "great", "loved", "win"), ("bad", "poor", "hated", "loss")
NEUTRAL = ("the", "film", "was", "match", "very", "a", "of", "and")
LABELS = ("negative", "positive")
RECIPE = Recipe(
    rank=4,
    alpha=8.0,
    epochs=4,
    min_steps=0,
    learning_rate=1e-2,
    batch_rows=16,
    max_tokens=16,
    patience=50,
    seed=1,
    distil=False,
    compare_computed=False,
)
WINDOWING = Windowing(window_tokens=16, max_windows=1)
GENERAL_TEXTS = ("the film was very good", "a match of the team", "the bank and the market", "a bad price")


class Killed(Exception):
    """Stands for kill -9: nothing after it runs."""


@dataclass
class Events:
    """Keeps progress events; dies in the midst of a phase when told to."""

    dies_in: Phase | None = None
    dies_at_step: int = 0
    heard: list[Progress] = field(default_factory=list)

    def __call__(self, event: Progress) -> None:
        self.heard.append(event)
        if event.phase is self.dies_in and event.step >= self.dies_at_step:
            raise Killed


@dataclass(frozen=True)
class TrainingWorld:
    """Everything that jobs are made of."""

    store: Store
    url: str
    backbone: Backbone
    tree: BundleRef

    def put_rows(self, name: str, rows: Sequence[tuple[str, str]]) -> BundleUri:
        """Store rows as the portal cleans them; numbered from 1."""
        lines = [
            json.dumps({"row": number, "text": text, "label": label})
            for number, (text, label) in enumerate(rows, start=1)
        ]
        uri = BundleUri(f"datasets/{name}/rows.jsonl")
        self.store.put_file(uri, "".join(line + "\n" for line in lines).encode())
        return uri

    def job(
        self,
        rows_uri: BundleUri,
        *,
        name: str = "one",
        recipe: Recipe = RECIPE,
        segments: tuple[SegmentRef, ...] = (),
        labels: tuple[str, ...] = LABELS,
        kind: TaskKind = TaskKind.SINGLE_LABEL,
    ) -> TrainJob:
        return TrainJob(
            job_id=JobId(f"job-{name}"),
            tenant_id=TenantId("acme"),
            task_id=TaskId("sentiment"),
            domain_id=DomainId("films"),
            dataset_id=DatasetId(f"dataset-{name}"),
            rows_uri=rows_uri,
            labels=labels,
            backbone_uri=BundleUri("backbones/tiny"),
            backbone_digest=self.backbone.digest,
            tree_uri=self.tree.uri,
            tree_digest=self.tree.digest,
            segments=segments,
            segment_out_uri=BundleUri(f"out/{name}/segment"),
            tree_out_uri=BundleUri(f"out/{name}/tree"),
            version_out_uri=BundleUri(f"out/{name}/version"),
            recipe=recipe,
            kind=kind,
        )

    def import_job(self, name: str, archive: bytes, **changes: Any) -> ImportJob:
        """An import of ``archive`` beside the general tree, of any agreement."""
        uri = BundleUri(f"imports/{name}")
        self.store.put_file(uri, archive)
        job = ImportJob(
            job_id=JobId("job"),
            tenant_id=TenantId("acme"),
            task_id=TaskId("sentiment"),
            archive_uri=uri,
            kind=TaskKind.SINGLE_LABEL,
            labels=LABELS,
            backbone_uri=BundleUri("backbones/tiny"),
            backbone_digest=self.backbone.digest,
            tree_uri=self.tree.uri,
            tree_digest=self.tree.digest,
            version_out_uri=BundleUri(f"versions/{name}"),
            min_agreement=0.0,
        )
        return replace(job, **changes)

    def train(self, job: TrainJob, work: Path, events: Events | None = None) -> TrainResult:
        """Run a job in this process, without the thread that repeats progress."""
        progress = JobProgress(events or Events())
        return run_training(job, store=self.store, work=WorkFolder(work), progress=progress)


def make_world(folder: Path, *, calibration: Path | None = None, weight_scale: float = 0.3) -> TrainingWorld:
    """A new store in ``folder``; ``weight_scale`` as of make_tiny_checkpoint."""
    url = f"file://{folder / 'store'}"
    store = open_store(url, None)
    backbone = make_tiny_backbone(folder, calibration=calibration, weight_scale=weight_scale)
    store.publish(folder / "backbone", BundleUri("backbones/tiny"))
    tree = _general_tree(store, backbone)
    return TrainingWorld(store, url, backbone, tree)


def invented_rows(num_rows: int, *, seed: int = 1) -> list[tuple[str, str]]:
    """Short reviews whose words tell their label."""
    chance = random.Random(seed)
    rows = []
    for number in range(num_rows):
        label = LABELS[number % 2]
        words = chance.choices(NEUTRAL, k=3) + chance.choices(GOOD if label == "positive" else BAD, k=2)
        chance.shuffle(words)
        rows.append((" ".join(words) + f" {number}", label))
    return rows


def weights(world: TrainingWorld, result: TrainResult) -> dict[str, str]:
    """SHA-256 of the files with weights of the version that was trained."""
    files = read_manifest(world.store.localize(result.version.uri, result.version.digest)).files
    return {name: entry.sha256 for name, entry in files.items() if name.endswith(".safetensors")}


def write_invented_calibration(file: Path, upper: Mapping[str, torch.Tensor], source: BackboneSource) -> None:
    """A calibration of the tiny backbone that ``source`` is, without anything learnt."""
    record = CalibrationRecord(
        source="tiny",
        source_sha256=weights_sha256(source),
        num_lower=2,
        text_sha256="",
        num_counted_tokens=0,
        num_tokens=0,
        recipe={},
        state_error=(0.0, 0.0),
        pooled_distance=(0.0, 0.0),
    )
    write_calibration(file, upper, record)


def _general_tree(store: Store, backbone: Backbone) -> BundleRef:
    segment, _ = count_texts(
        backbone,
        GENERAL_TEXTS,
        dataset_id=text_dataset_id("general"),
        above=np.zeros(0, np.uint64),
        windowing=WINDOWING,
        report=_unheard,
    )
    published = publish_segment(store, segment, BundleUri("trees/general.segment"))
    built = build_root(
        store,
        backbone,
        [(BundleRef(published.uri, published.digest), segment)],
        tree_uri=BundleUri("trees/general"),
        report=_unheard,
    )
    return BundleRef(built.tree.uri, built.tree.digest)


def _unheard(message: str, step: int, num_steps: int) -> None:
    """Progress that nobody reads."""
