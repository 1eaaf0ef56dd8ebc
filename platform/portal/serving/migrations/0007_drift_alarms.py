"""Alarms of what has drifted."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from portal.common.rls import protect


class Migration(migrations.Migration):
    dependencies = [
        ("serving", "0006_limits"),
        ("tenants", "0004_key_rotation"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftAlarm",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "part",
                    models.CharField(
                        choices=[("coverage", "Coverage"), ("scores", "Scores"), ("labels", "Labels")],
                        max_length=16,
                    ),
                ),
                ("figures", models.JSONField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "deployment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="serving.deployment"
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
                "db_table": "drift_alarm",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("deployment", "part"),
                        name="drift_alarm_one_standing",
                    )
                ],
            },
        ),
        protect("drift_alarm"),
    ]
