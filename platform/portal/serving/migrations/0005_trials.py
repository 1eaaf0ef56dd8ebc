"""A second version of a task, as shadow or canary; at most one a task, which the inference service sees."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from portal.common.rls import SERVING_ROLE, protect

TRIALS = """
CREATE VIEW serving_v1.trials AS
SELECT i.id::text AS trial_id, i.tenant_id::text AS tenant_id, i.task_id::text AS task_id,
       i.kind::text AS kind, i.share AS share, v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest
FROM trial i JOIN tenant t ON t.id = i.tenant_id
JOIN deployment d ON d.task_id = i.task_id AND d.state = 'active'
JOIN adapter_version v ON v.id = i.version_id
JOIN tree_version o ON o.id = v.tree_version_id
JOIN tree_version r ON r.id = coalesce(o.replaced_by_id, o.id)
WHERE t.is_active AND i.state = 'running'
"""


def _version() -> "models.ForeignKey[models.Model, models.Model]":
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="catalog.adapterversion"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("serving", "0004_coverage_floor"),
        ("catalog", "0002_tree_life"),
        ("tenants", "0002_apikey_task"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Trial",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "kind",
                    models.CharField(choices=[("shadow", "Shadow"), ("canary", "Canary")], max_length=16),
                ),
                ("share", models.FloatField()),
                ("is_automatic", models.BooleanField()),
                ("min_texts", models.PositiveIntegerField()),
                ("min_agreement", models.FloatField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("promoted", "Promoted"),
                            ("rolled_back", "Rolled Back"),
                            ("ended", "Ended"),
                        ],
                        default="running",
                        max_length=16,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=300)),
                ("ended_at", models.DateTimeField(null=True)),
                ("against", _version()),
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
                ("version", _version()),
            ],
            options={
                "db_table": "trial",
                "indexes": [models.Index(fields=["task", "-created_at"], name="trial_task")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")), fields=("task",), name="trial_one_running"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("share__gt", 0), ("share__lte", 1)), name="trial_share"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_agreement__gte", 0), ("min_agreement__lte", 1)),
                        name="trial_min_agreement",
                    ),
                ],
            },
        ),
        protect("trial"),
        migrations.RunSQL(
            [TRIALS, f"GRANT SELECT ON serving_v1.trials TO {SERVING_ROLE}"],
            "DROP VIEW serving_v1.trials",
        ),
        migrations.RunSQL(
            "CREATE TRIGGER trial_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON trial"
            " FOR EACH STATEMENT EXECUTE FUNCTION hmi_catalog_changed()",
            "DROP TRIGGER trial_changed ON trial",
        ),
    ]
