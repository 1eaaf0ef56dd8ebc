"""The service hears of each task's coverage floor."""

from django.db import migrations

TASKS = """
CREATE OR REPLACE VIEW serving_v1.tasks AS
SELECT s.tenant_id::text AS tenant_id, s.id::text AS task_id, s.slug::text AS slug,
       v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest%s
FROM task s JOIN tenant t ON t.id = s.tenant_id
LEFT JOIN deployment d ON d.task_id = s.id AND d.state = 'active'
LEFT JOIN adapter_version v ON v.id = d.version_id
LEFT JOIN tree_version o ON o.id = coalesce(d.tree_version_id, v.tree_version_id)
LEFT JOIN tree_version r ON r.id = coalesce(o.replaced_by_id, o.id)
WHERE t.is_active
"""
GRANT = "GRANT SELECT ON serving_v1.tasks TO hmi_serving"


class Migration(migrations.Migration):
    dependencies = [("serving", "0003_followed_tree"), ("catalog", "0004_coverage_floor")]

    operations = [
        # A column at the end: a service that does not know it yet goes on reading those it names.
        migrations.RunSQL(TASKS % ", s.coverage_floor", ["DROP VIEW serving_v1.tasks", TASKS % "", GRANT]),
    ]
