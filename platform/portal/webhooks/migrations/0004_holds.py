"""Two events more, of deployments held on an older tree; the columns of the database are the same."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0003_names_in_the_console"),
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
                        ("deployment.held", "Deployment Held"),
                        ("deployment.moved", "Deployment Moved"),
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
                    ("deployment.held", "Deployment Held"),
                    ("deployment.moved", "Deployment Moved"),
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
