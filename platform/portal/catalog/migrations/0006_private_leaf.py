"""Private leaves: a version's own PLOT node below a shared domain's."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from portal.common.rls import protect


class Migration(migrations.Migration):
    dependencies = [("catalog", "0005_imports"), ("tenants", "0002_apikey_task")]

    operations = [
        migrations.CreateModel(
            name="PrivateLeaf",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("dataset_id", models.UUIDField()),
                ("uri", models.CharField(max_length=300)),
                ("digest", models.CharField(max_length=71)),
                ("num_bytes", models.BigIntegerField()),
                ("retired_at", models.DateTimeField(null=True)),
                ("destroyed_at", models.DateTimeField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="private_leaf",
                        to="catalog.adapterversion",
                    ),
                ),
            ],
            options={
                "db_table": "private_leaf",
                "indexes": [models.Index(fields=["dataset_id"], name="private_leaf_dataset")],
            },
        ),
        protect("private_leaf"),
    ]
