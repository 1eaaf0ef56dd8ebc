"""A training job on a local store, and progress that is said every quarter: what benchmarks share."""

import json
from pathlib import Path

from benchmarks.common import BenchTask, general_texts, say
from hmi.cli.local_store import LocalStore
from hmi.model.estimators import ReportProgress
from wire.ids import BundleUri, DatasetId, DomainId, JobId, TaskId, TenantId
from wire.training import Progress, Recipe, TrainJob

ROWS_URI = BundleUri("rows.jsonl")
GENERAL_CHARACTERS = 800_000
"""Some 180,000 tokens, which take a minute."""
FULL_GENERAL_CHARACTERS = 8_000_000


def general_text(folder: Path, max_characters: int = GENERAL_CHARACTERS) -> list[Path]:
    """What open_local_store() builds the general node of: a file in ``folder``, or nothing where there is no
    data."""
    path = folder / "general.jsonl"
    lines = [json.dumps({"text": text}) + "\n" for text in general_texts(max_characters)]
    path.write_text("".join(lines), encoding="utf-8")
    return [path] if lines else []


def local_job(task: BenchTask, local: LocalStore, recipe: Recipe) -> TrainJob:
    """The task as a domain of its own."""
    return TrainJob(
        job_id=JobId("bench"),
        tenant_id=TenantId("bench"),
        task_id=TaskId(task.name),
        domain_id=DomainId(task.name),
        dataset_id=DatasetId(task.name),
        rows_uri=ROWS_URI,
        labels=task.labels,
        backbone_uri=local.backbone.uri,
        backbone_digest=local.backbone.digest,
        tree_uri=local.root.uri,
        tree_digest=local.root.digest,
        segments=(),
        segment_out_uri=BundleUri("segment"),
        tree_out_uri=BundleUri("tree"),
        version_out_uri=BundleUri("version"),
        recipe=recipe,
    )


def told(what: str) -> ReportProgress:
    """Says every quarter."""
    last = -1

    def tell(message: str, step: int, num_steps: int) -> None:
        nonlocal last
        quarter = 4 * step // num_steps if num_steps else 0
        if quarter != last:
            last = quarter
            say(f"{what} {message} {step}/{num_steps}")

    return tell


def unheard(event: Progress) -> None:
    """Progress of a job that nobody reads."""
