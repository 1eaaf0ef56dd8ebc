"""A tenant's labelled texts: where files and rows lie, what was found in them, and what is on its way."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils import timezone

from portal.common.models import TenantOwned
from portal.common.task_kinds import TASK_KINDS
from portal.datasets.declared import DEFAULT_SEPARATOR
from wire.tasks import TaskKind


class DatasetFormat(models.TextChoices):
    """How the uploaded file is written."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    CONLL = "conll"
    PARQUET = "parquet"


class DatasetState(models.TextChoices):
    """CHECKING -> READY | BLOCKED. Only a ready one is trained on; a fix makes a new version."""

    CHECKING = "checking"
    READY = "ready"
    BLOCKED = "blocked"


def _empty_list() -> list[Any]:
    return []


class Dataset(TenantOwned):
    """One version of an uploaded file: the original, and the fixes with which it is read.

    Files: tenants/<tenant>/datasets/<dataset>/{original,rows.jsonl} in the store; each version has its own,
    so that it is deleted alone.
    """

    name = models.CharField(max_length=200)
    file_name = models.CharField(max_length=300, blank=True, default="")
    series = models.UUIDField(default=uuid4, editable=False)  # the same for all versions of one upload
    version = models.PositiveIntegerField(default=1)
    fixes = models.JSONField(default=_empty_list)  # findings.Fix, all since the upload, in order
    kind = models.CharField(max_length=32, choices=TASK_KINDS, default=TaskKind.SINGLE_LABEL.value)
    label_separator = models.CharField(max_length=8, default=DEFAULT_SEPARATOR)
    given_columns = models.JSONField(
        default=_empty_list
    )  # [text, label, second text], each or null, by the uploader
    state = models.CharField(max_length=16, choices=DatasetState, default=DatasetState.READY)
    report = models.JSONField(null=True)  # doctor.Report
    num_attempts = models.PositiveIntegerField(default=0)  # to examine it
    queued_at = models.DateTimeField(default=timezone.now)  # when a message to examine it was last sent
    format = models.CharField(max_length=8, choices=DatasetFormat, blank=True)
    original_uri = models.CharField(max_length=300)
    rows_uri = models.CharField(max_length=300)
    num_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    num_rows = models.PositiveIntegerField(default=0)
    labels = models.JSONField(default=_empty_list)  # [{"label": str, "num_rows": int}]
    text_column = models.CharField(max_length=200, blank=True)
    label_column = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    deleted_at = models.DateTimeField(null=True)  # set first; the files go after the transaction

    class Meta:
        db_table = "dataset"
        indexes = [models.Index(fields=["tenant", "-created_at"], name="dataset_tenant")]
        constraints = [models.UniqueConstraint(fields=["series", "version"], name="dataset_version_once")]


class DatasetUpload(TenantOwned):
    """A file on its way, in chunks: tenants/<tenant>/uploads/<upload>/<first byte> in the store."""

    name = models.CharField(max_length=200)
    file_name = models.CharField(max_length=300)
    num_bytes = models.BigIntegerField()
    num_received = models.BigIntegerField(default=0)
    chunks = models.JSONField(default=_empty_list)  # first byte of each chunk that has arrived
    sha256 = models.CharField(max_length=64, blank=True, default="")  # as announced
    kind = models.CharField(max_length=32, choices=TASK_KINDS, default=TaskKind.SINGLE_LABEL.value)
    label_separator = models.CharField(max_length=8, default=DEFAULT_SEPARATOR)
    given_columns = models.JSONField(default=_empty_list)
    dataset = models.ForeignKey(Dataset, null=True, on_delete=models.SET_NULL, related_name="+")
    touched_at = models.DateTimeField(default=timezone.now)  # a day later it is swept away

    class Meta:
        db_table = "dataset_upload"
