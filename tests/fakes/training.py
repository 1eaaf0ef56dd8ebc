"""Training jobs for tests, and where the fake trainer is."""

import shlex
import sys
from pathlib import Path

from wire.ids import BundleUri, DatasetId, Digest, DomainId, JobId, TaskId, TenantId
from wire.training import TrainJob

TRAINER = Path(__file__).with_name("trainer.py")


def refusing_python(folder: Path) -> Path:
    """For HMI_TRAINING_PYTHON: whatever it is to do it notes in ``folder / "asked"``, a line each, and then
    refuses, as TRAINER does."""
    trainer = shlex.join(
        [sys.executable, "-I", str(TRAINER), "--behaviour", "refuse", "--log", str(folder / "log")]
    )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\necho "$@" >> {shlex.quote(str(folder / "asked"))}\nexec {trainer} "$@"\n')
    python.chmod(0o755)
    return python


def a_train_job() -> TrainJob:
    """A job file's content; nothing that it names exists."""
    return TrainJob(
        job_id=JobId("00000000-0000-4000-8000-000000000001"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("news"),
        domain_id=DomainId("news"),
        dataset_id=DatasetId("news"),
        rows_uri=BundleUri("tenants/acme/datasets/news/rows.jsonl"),
        labels=("sport", "tech"),
        backbone_uri=BundleUri("backbones/tiny"),
        backbone_digest=Digest("sha256:" + "b" * 64),
        tree_uri=BundleUri("trees/general"),
        tree_digest=Digest("sha256:" + "e" * 64),
        segments=(),
        segment_out_uri=BundleUri("tenants/acme/segments/news"),
        tree_out_uri=BundleUri("tenants/acme/trees/1"),
        version_out_uri=BundleUri("tenants/acme/versions/1"),
    )
