"""The import process's contract: an adapter that a tenant brings, its job file and what comes of it."""

from dataclasses import dataclass
from typing import Any

from wire.ids import BundleUri, Digest, JobId, TaskId, TenantId
from wire.tasks import TaskKind
from wire.training import PublishedBundle

MAX_ARCHIVE_BYTES = 64 << 20
"""Of an archive as it is uploaded."""


@dataclass(frozen=True, slots=True)
class ImportJob:
    """Input of ``python -m hmi.cli import --job FILE``. All URIs are relative to HMI_STORE_URL."""

    job_id: JobId
    tenant_id: TenantId
    task_id: TaskId
    archive_uri: BundleUri  # a .zip, .tar or .tar.gz with the folder: see hmi.build.adapter_archive
    kind: TaskKind
    labels: tuple[str, ...]  # the task's, for an archive that says none
    backbone_uri: BundleUri
    backbone_digest: Digest
    tree_uri: BundleUri  # that the version will be looked up in
    tree_digest: Digest
    version_out_uri: BundleUri
    rows_uri: BundleUri | None = None  # of a dataset, to compare answers on; see hmi.build.data
    max_rank: int = 32
    min_agreement: float = 0.9  # share of texts answered as by the computed model, under which none deploys


@dataclass(frozen=True, slots=True)
class ImportResult:
    """``{"event": "import_result", ...}``: last line of an import whose adapter can be opened."""

    version: PublishedBundle
    labels: tuple[str, ...]
    passed: bool  # the parity test: else the version must not be deployed
    report: dict[str, Any]  # as a training's, with "import" beside it: see hmi.build.import_report
    event: str = "import_result"
