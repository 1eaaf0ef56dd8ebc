"""The service hears of each version's private leaf, while it stands."""

from django.db import migrations

TASKS = """
CREATE OR REPLACE VIEW serving_v1.tasks AS
SELECT s.tenant_id::text AS tenant_id, s.id::text AS task_id, s.slug::text AS slug,
       v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest, s.coverage_floor%s
FROM task s JOIN tenant t ON t.id = s.tenant_id
LEFT JOIN deployment d ON d.task_id = s.id AND d.state = 'active'
LEFT JOIN adapter_version v ON v.id = d.version_id
LEFT JOIN tree_version o ON o.id = coalesce(d.tree_version_id, v.tree_version_id)
LEFT JOIN tree_version r ON r.id = coalesce(o.replaced_by_id, o.id)%s
WHERE t.is_active
"""
TRIALS = """
CREATE OR REPLACE VIEW serving_v1.trials AS
SELECT i.id::text AS trial_id, i.tenant_id::text AS tenant_id, i.task_id::text AS task_id,
       i.kind::text AS kind, i.share AS share, v.id::text AS version_id, v.number AS version_number,
       v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
       r.uri::text AS tree_uri, r.digest::text AS tree_digest%s
FROM trial i JOIN tenant t ON t.id = i.tenant_id
JOIN deployment d ON d.task_id = i.task_id AND d.state = 'active'
JOIN adapter_version v ON v.id = i.version_id
JOIN tree_version o ON o.id = v.tree_version_id
JOIN tree_version r ON r.id = coalesce(o.replaced_by_id, o.id)%s
WHERE t.is_active AND i.state = 'running'
"""
LEAF = (
    ", l.uri::text AS leaf_uri, l.digest::text AS leaf_digest",
    " LEFT JOIN private_leaf l ON l.version_id = v.id AND l.retired_at IS NULL",
)
NONE = ("", "")


def _anew(name: str, view: str) -> tuple[str, ...]:
    return (f"DROP VIEW serving_v1.{name}", view % NONE, f"GRANT SELECT ON serving_v1.{name} TO hmi_serving")


class Migration(migrations.Migration):
    dependencies = [("serving", "0007_drift_alarms"), ("catalog", "0006_private_leaf")]

    operations = [
        # Columns at the end: a service that does not know them yet goes on reading those it names.
        migrations.RunSQL(TASKS % LEAF, _anew("tasks", TASKS)),
        migrations.RunSQL(TRIALS % LEAF, _anew("trials", TRIALS)),
        migrations.RunSQL(
            "CREATE TRIGGER private_leaf_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON private_leaf"
            " FOR EACH STATEMENT EXECUTE FUNCTION hmi_catalog_changed()",
            "DROP TRIGGER private_leaf_changed ON private_leaf",
        ),
    ]
