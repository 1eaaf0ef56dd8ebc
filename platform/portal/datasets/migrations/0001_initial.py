"""The first tables of this app, and who may see which of their rows."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.datasets.models
from portal.common.rls import protect


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Dataset",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "Csv"), ("tsv", "Tsv"), ("jsonl", "Jsonl")], max_length=8
                    ),
                ),
                ("original_uri", models.CharField(max_length=300)),
                ("rows_uri", models.CharField(max_length=300)),
                ("num_bytes", models.BigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("num_rows", models.PositiveIntegerField()),
                ("labels", models.JSONField(default=portal.datasets.models._empty_list)),
                ("text_column", models.CharField(max_length=200)),
                ("label_column", models.CharField(max_length=200)),
                ("warnings", models.JSONField(default=portal.datasets.models._empty_list)),
                ("deleted_at", models.DateTimeField(null=True)),
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
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "dataset",
                "indexes": [models.Index(fields=["tenant", "-created_at"], name="dataset_tenant")],
            },
        ),
        protect("dataset"),
    ]
