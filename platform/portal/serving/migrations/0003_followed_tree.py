"""A deployment may follow newer trees than its version's own, and never serves one that was replaced."""

import django.db.models.deletion
from django.db import migrations, models

TASKS = """
CREATE OR REPLACE VIEW serving_v1.tasks AS
SELECT s.tenant_id::text AS tenant_id, s.id::text AS task_id, s.slug::text AS slug,
       v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest
FROM task s JOIN tenant t ON t.id = s.tenant_id
LEFT JOIN deployment d ON d.task_id = s.id AND d.state = 'active'
LEFT JOIN adapter_version v ON v.id = d.version_id
LEFT JOIN tree_version o ON o.id = coalesce(d.tree_version_id, v.tree_version_id)
LEFT JOIN tree_version r ON r.id = coalesce(o.replaced_by_id, o.id)
WHERE t.is_active
"""
BEFORE = """
CREATE OR REPLACE VIEW serving_v1.tasks AS
SELECT s.tenant_id::text AS tenant_id, s.id::text AS task_id, s.slug::text AS slug,
       v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest
FROM task s JOIN tenant t ON t.id = s.tenant_id
LEFT JOIN deployment d ON d.task_id = s.id AND d.state = 'active'
LEFT JOIN adapter_version v ON v.id = d.version_id
LEFT JOIN tree_version r ON r.id = v.tree_version_id
WHERE t.is_active
"""


class Migration(migrations.Migration):
    dependencies = [("serving", "0002_serving_v1"), ("catalog", "0002_tree_life")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="tree_version",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="catalog.treeversion",
            ),
        ),
        migrations.RunSQL(TASKS, BEFORE),
        migrations.RunSQL(
            "CREATE TRIGGER tree_version_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON tree_version"
            " FOR EACH STATEMENT EXECUTE FUNCTION hmi_catalog_changed()",
            "DROP TRIGGER tree_version_changed ON tree_version",
        ),
    ]
