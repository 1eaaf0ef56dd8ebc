"""Domains may stand under shared ones; trees say what they are made of, and how they ended."""

import django.db.models.deletion
from django.db import migrations, models

import portal.catalog.models

# A tree that was registered before has at most the segments that its domain had then.
FILL = """
UPDATE tree_version t SET segments = coalesce((
    SELECT jsonb_agg(jsonb_build_object('dataset', s.dataset_id::text, 'uri', s.uri, 'digest', s.digest)
                     ORDER BY s.dataset_id)
    FROM segment s WHERE s.domain_id = t.domain_id AND s.created_at <= t.created_at + interval '1 minute'), '[]')
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="domain",
            name="parent",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.domain",
            ),
        ),
        migrations.AddField(
            model_name="treeversion",
            name="parent",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.treeversion",
            ),
        ),
        migrations.AddField(
            model_name="treeversion",
            name="segments",
            field=models.JSONField(default=portal.catalog.models._empty_list),
        ),
        migrations.AddField(
            model_name="treeversion",
            name="replaced_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.treeversion",
            ),
        ),
        migrations.AddField(
            model_name="treeversion", name="retired_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="treeversion", name="destroyed_at", field=models.DateTimeField(null=True)
        ),
        migrations.AlterField(
            model_name="task",
            name="domain",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT, related_name="+", to="catalog.domain"
            ),
        ),
        migrations.AlterField(
            model_name="adapterversion",
            name="tree_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.RESTRICT, related_name="+", to="catalog.treeversion"
            ),
        ),
        migrations.RunSQL(["SET CONSTRAINTS ALL IMMEDIATE", FILL], migrations.RunSQL.noop),
    ]
