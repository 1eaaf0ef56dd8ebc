"""The first tables of this app, and who may see which of their rows."""

import uuid

from django.db import migrations, models

from portal.common.rls import protect


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="UsageEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("task_id", models.UUIDField()),
                ("key_id", models.UUIDField()),
                ("version_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("num_texts", models.PositiveIntegerField()),
                ("num_tokens", models.PositiveIntegerField()),
                ("num_truncated", models.PositiveIntegerField()),
            ],
            options={
                "db_table": "usage_event",
                "indexes": [models.Index(fields=["tenant_id", "created_at"], name="usage_event_tenant")],
            },
        ),
        protect("usage_event", write="false"),
    ]
