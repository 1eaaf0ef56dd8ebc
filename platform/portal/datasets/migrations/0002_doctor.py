"""Versions of datasets with the doctor's report, and uploads in chunks."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import portal.datasets.models
from portal.common.rls import protect

# What was uploaded before is a series of its own, and its warnings become its report.
FORWARD = """
UPDATE dataset SET series = id, file_name = name, report = jsonb_build_object(
    'findings', coalesce((
        SELECT jsonb_agg(
            finding || '{"severity": "warning", "examples": [], "fixes": []}'::jsonb
        ) FROM jsonb_array_elements(warnings) AS finding), '[]'::jsonb),
    'left_out', '[]'::jsonb, 'num_rows_read', num_rows, 'num_rows_kept', num_rows, 'num_rows_unusable', 0,
    'encoding', 'utf-8', 'delimiter', '', 'has_header', true, 'columns', '[]'::jsonb,
    'lengths', '[]'::jsonb, 'num_chars', 0, 'longest_chars', 0
)
"""


class Migration(migrations.Migration):
    dependencies = [("datasets", "0001_initial")]

    operations = [
        migrations.AddField("dataset", "series", models.UUIDField(editable=False, null=True)),
        migrations.AddField("dataset", "file_name", models.CharField(blank=True, default="", max_length=300)),
        migrations.AddField("dataset", "version", models.PositiveIntegerField(default=1)),
        migrations.AddField("dataset", "fixes", models.JSONField(default=portal.datasets.models._empty_list)),
        migrations.AddField(
            "dataset", "given_columns", models.JSONField(default=portal.datasets.models._empty_list)
        ),
        migrations.AddField(
            "dataset",
            "state",
            models.CharField(
                choices=[("checking", "Checking"), ("ready", "Ready"), ("blocked", "Blocked")],
                default="ready",
                max_length=16,
            ),
        ),
        migrations.AddField("dataset", "report", models.JSONField(null=True)),
        migrations.AddField("dataset", "num_attempts", models.PositiveIntegerField(default=0)),
        migrations.AddField("dataset", "queued_at", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.RunSQL(FORWARD, migrations.RunSQL.noop),
        migrations.RemoveField("dataset", "warnings"),
        migrations.AlterField("dataset", "series", models.UUIDField(default=uuid.uuid4, editable=False)),
        migrations.AlterField(
            "dataset",
            "format",
            models.CharField(
                blank=True, choices=[("csv", "Csv"), ("tsv", "Tsv"), ("jsonl", "Jsonl")], max_length=8
            ),
        ),
        migrations.AlterField("dataset", "num_rows", models.PositiveIntegerField(default=0)),
        migrations.AlterField("dataset", "text_column", models.CharField(blank=True, max_length=200)),
        migrations.AlterField("dataset", "label_column", models.CharField(blank=True, max_length=200)),
        migrations.AddConstraint(
            "dataset",
            models.UniqueConstraint(fields=("series", "version"), name="dataset_version_once"),
        ),
        migrations.CreateModel(
            name="DatasetUpload",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=200)),
                ("file_name", models.CharField(max_length=300)),
                ("num_bytes", models.BigIntegerField()),
                ("num_received", models.BigIntegerField(default=0)),
                ("chunks", models.JSONField(default=portal.datasets.models._empty_list)),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                ("given_columns", models.JSONField(default=portal.datasets.models._empty_list)),
                ("touched_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "dataset",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="datasets.dataset",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"db_table": "dataset_upload"},
        ),
        protect("dataset_upload"),
    ]
