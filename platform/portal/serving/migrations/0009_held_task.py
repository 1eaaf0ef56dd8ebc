"""Holds come from the app of domains, whose table stays, and say why."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

GONE = "DELETE FROM held_task h USING deployment d WHERE d.id = h.deployment_id AND d.state <> 'active'"
REASONS = """
UPDATE held_task SET reason = CASE
    WHEN (verdict->>'moves')::boolean THEN 'brought_back'
    WHEN coalesce((verdict->>'num_rows')::int, 0) = 0 THEN 'untried'
    ELSE 'loses' END
"""


def _row(of: str, *, once: bool = False) -> "models.ForeignKey[models.Model, models.Model]":
    field = models.OneToOneField if once else models.ForeignKey
    return field(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=of)


class Migration(migrations.Migration):
    dependencies = [
        ("serving", "0008_private_leaf"),
        ("domains", "0003_paused"),
        ("catalog", "0002_tree_life"),
        ("tenants", "0002_apikey_task"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="HeldTask",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "created_at",
                            models.DateTimeField(default=django.utils.timezone.now, editable=False),
                        ),
                        ("until", models.DateTimeField()),
                        ("verdict", models.JSONField()),
                        ("deployment", _row("serving.deployment", once=True)),
                        ("tenant", _row("tenants.tenant")),
                        ("tree", _row("catalog.treeversion")),
                    ],
                    options={"db_table": "held_task"},
                ),
            ],
        ),
        migrations.AddField(
            model_name="heldtask",
            name="reason",
            field=models.CharField(
                max_length=16,
                choices=[("loses", "Loses"), ("untried", "Untried"), ("brought_back", "Brought Back")],
                default="loses",
            ),
            preserve_default=False,
        ),
        migrations.RunSQL([GONE, REASONS], migrations.RunSQL.noop),
    ]
