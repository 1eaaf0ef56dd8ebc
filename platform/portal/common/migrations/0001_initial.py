"""The first tables of this app, and who may see which of their rows."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from portal.common.rls import protect


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("body", models.JSONField(null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
                    ),
                ),
            ],
            options={
                "db_table": "idempotency_record",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "key"), name="idempotency_record_key")
                ],
            },
        ),
        protect("idempotency_record"),
    ]
