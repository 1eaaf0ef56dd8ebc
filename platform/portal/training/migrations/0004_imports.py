"""Imports of adapters that tenants bring."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from portal.common.rls import protect

STATES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_imports"),
        ("datasets", "0004_parquet"),
        ("tenants", "0004_key_rotation"),
        ("training", "0003_estimates_and_pauses"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AdapterImport",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("state", models.CharField(choices=STATES, default="queued", max_length=16)),
                ("phase", models.CharField(blank=True, default="", max_length=32)),
                ("step", models.PositiveIntegerField(default=0)),
                ("num_steps", models.PositiveIntegerField(default=0)),
                ("eta_s", models.FloatField(null=True)),
                ("message", models.CharField(blank=True, default="", max_length=500)),
                ("error", models.JSONField(null=True)),
                ("attempt", models.PositiveIntegerField(default=0)),
                ("lease_owner", models.CharField(max_length=200, null=True)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("cancel_requested", models.BooleanField(default=False)),
                ("enqueued_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("needs_dataset", models.BooleanField(default=False)),
                ("file_name", models.CharField(max_length=200)),
                ("archive_uri", models.CharField(max_length=300)),
                ("num_bytes", models.BigIntegerField()),
                ("min_agreement", models.FloatField()),
                ("passed", models.BooleanField(null=True)),
                ("version", models.UUIDField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.task"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={"db_table": "adapter_import"},
        ),
        migrations.AddIndex(
            model_name="adapterimport",
            index=models.Index(fields=["task", "-created_at"], name="adapter_import_task"),
        ),
        migrations.AddIndex(
            model_name="adapterimport",
            index=models.Index(fields=["tenant", "-started_at"], name="adapter_import_tenant"),
        ),
        migrations.AddConstraint(
            model_name="adapterimport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running", "paused"])),
                fields=("task",),
                name="adapter_import_one_unfinished",
            ),
        ),
        protect("adapter_import"),
    ]
