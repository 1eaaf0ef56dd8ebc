"""A tenant's labelled texts: where the uploaded file and the cleaned rows lie, and what was found in them."""

from typing import Any

from django.conf import settings
from django.db import models

from portal.common.models import TenantOwned


class DatasetFormat(models.TextChoices):
    """How the uploaded file is written."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"


def _empty_list() -> list[Any]:
    return []


class Dataset(TenantOwned):
    """One uploaded file. Files: tenants/<tenant>/datasets/<dataset>/{original,rows.jsonl} in the store."""

    name = models.CharField(max_length=200)
    format = models.CharField(max_length=8, choices=DatasetFormat)
    original_uri = models.CharField(max_length=300)
    rows_uri = models.CharField(max_length=300)
    num_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    num_rows = models.PositiveIntegerField()
    labels = models.JSONField(default=_empty_list)  # [{"label": str, "num_rows": int}]
    text_column = models.CharField(max_length=200)
    label_column = models.CharField(max_length=200)
    warnings = models.JSONField(default=_empty_list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    deleted_at = models.DateTimeField(null=True)  # set first; the files go after the transaction

    class Meta:
        db_table = "dataset"
        indexes = [models.Index(fields=["tenant", "-created_at"], name="dataset_tenant")]
