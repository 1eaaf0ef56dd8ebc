"""Two events more; the database's columns are the same."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="webhook",
            name="events",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("training.succeeded", "Training Succeeded"),
                        ("training.failed", "Training Failed"),
                        ("version.published", "Version Published"),
                        ("deployment.changed", "Deployment Changed"),
                        ("dataset.ready", "Dataset Ready"),
                        ("dataset.blocked", "Dataset Blocked"),
                        ("drift.detected", "Drift Detected"),
                        ("quota.reached", "Quota Reached"),
                        ("ping", "Ping"),
                    ],
                    max_length=32,
                ),
                size=None,
            ),
        ),
        migrations.AlterField(
            model_name="webhookevent",
            name="type",
            field=models.CharField(
                choices=[
                    ("training.succeeded", "Training Succeeded"),
                    ("training.failed", "Training Failed"),
                    ("version.published", "Version Published"),
                    ("deployment.changed", "Deployment Changed"),
                    ("dataset.ready", "Dataset Ready"),
                    ("dataset.blocked", "Dataset Blocked"),
                    ("drift.detected", "Drift Detected"),
                    ("quota.reached", "Quota Reached"),
                    ("ping", "Ping"),
                ],
                max_length=32,
            ),
        ),
    ]
