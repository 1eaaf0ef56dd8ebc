"""Estimates of trainings; trainings that are paused, and still hold their task and dataset."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.training.models
from portal.common.rls import protect

STATES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("paused", "Paused"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]
REFUSE = """
CREATE OR REPLACE FUNCTION refuse_dataset_in_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM training_job WHERE dataset_id = OLD.id AND state IN ({states})) THEN
        RAISE EXCEPTION 'a training of dataset % is unfinished', OLD.id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'dataset_in_use';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_tree_life"),
        ("datasets", "0002_doctor"),
        ("tenants", "0001_initial"),
        ("training", "0002_dataset_in_use"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TrainingEstimate",
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
                ("recipe", models.JSONField(default=portal.training.models._empty_dict)),
                ("result", models.JSONField(null=True)),
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
            options={"db_table": "training_estimate"},
        ),
        migrations.AddIndex(
            model_name="trainingestimate",
            index=models.Index(fields=["task", "-created_at"], name="training_estimate_task"),
        ),
        migrations.AddIndex(
            model_name="trainingestimate",
            index=models.Index(fields=["tenant", "-started_at"], name="training_estimate_tenant"),
        ),
        protect("training_estimate"),
        migrations.AlterField(
            model_name="trainingjob",
            name="state",
            field=models.CharField(choices=STATES, default="queued", max_length=16),
        ),
        migrations.RemoveConstraint(model_name="trainingjob", name="training_job_one_unfinished"),
        migrations.AddConstraint(
            model_name="trainingjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running", "paused"])),
                fields=("task",),
                name="training_job_one_unfinished",
            ),
        ),
        migrations.AddIndex(
            model_name="trainingjob",
            index=models.Index(fields=["tenant", "-started_at"], name="training_job_tenant"),
        ),
        migrations.RunSQL(
            REFUSE.format(states="'queued', 'running', 'paused'"),
            REFUSE.format(states="'queued', 'running'"),
        ),
    ]
