"""The views that the inference service reads (wire.catalog), and the notices that tell it of changes."""

from django.db import migrations

from portal.common.rls import SERVING_ROLE
from wire.catalog import NOTIFY_CHANNEL

VIEWS = (
    """
    CREATE VIEW serving_v1.api_keys AS
    SELECT k.key_sha256, k.id::text AS key_id, k.tenant_id::text AS tenant_id, k.scopes::text[] AS scopes,
           k.task_id::text AS task_id, k.expires_at
    FROM api_key k JOIN tenant t ON t.id = k.tenant_id
    WHERE t.is_active AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    """,
    """
    CREATE VIEW serving_v1.tasks AS
    SELECT s.tenant_id::text AS tenant_id, s.id::text AS task_id, s.slug::text AS slug,
           v.id::text AS version_id, v.number AS version_number,
           v.bundle_uri::text AS bundle_uri, v.bundle_digest::text AS bundle_digest,
           r.uri::text AS tree_uri, r.digest::text AS tree_digest
    FROM task s JOIN tenant t ON t.id = s.tenant_id
    LEFT JOIN deployment d ON d.task_id = s.id AND d.state = 'active'
    LEFT JOIN adapter_version v ON v.id = d.version_id
    LEFT JOIN tree_version r ON r.id = v.tree_version_id
    WHERE t.is_active
    """,
    """
    CREATE VIEW serving_v1.backbone AS
    SELECT b.uri::text AS uri, b.digest::text AS digest FROM backbone b WHERE b.is_default
    """,
)

# When a key is used the portal notes the time; that alone is no news to the service.
CHANGES = {
    "api_key": "INSERT OR DELETE OR TRUNCATE OR UPDATE OF revoked_at, expires_at, scopes, task_id",
    "task": "INSERT OR DELETE OR TRUNCATE OR UPDATE",
    "deployment": "INSERT OR DELETE OR TRUNCATE OR UPDATE",
    "adapter_version": "INSERT OR DELETE OR TRUNCATE OR UPDATE",
    "backbone": "INSERT OR DELETE OR TRUNCATE OR UPDATE",
    "tenant": "INSERT OR DELETE OR TRUNCATE OR UPDATE",
}


class Migration(migrations.Migration):
    dependencies = [("serving", "0001_initial"), ("catalog", "0001_initial"), ("tenants", "0002_apikey_task")]

    operations = [
        migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS serving_v1", "DROP SCHEMA serving_v1"),
        migrations.RunSQL(
            VIEWS, [f"DROP VIEW serving_v1.{name}" for name in ("api_keys", "tasks", "backbone")]
        ),
        migrations.RunSQL(
            [
                f"GRANT USAGE ON SCHEMA serving_v1 TO {SERVING_ROLE}",
                f"GRANT SELECT ON ALL TABLES IN SCHEMA serving_v1 TO {SERVING_ROLE}",
            ],
            [
                f"REVOKE ALL ON ALL TABLES IN SCHEMA serving_v1 FROM {SERVING_ROLE}",
                f"REVOKE ALL ON SCHEMA serving_v1 FROM {SERVING_ROLE}",
            ],
        ),
        migrations.RunSQL(
            [
                "CREATE FUNCTION hmi_catalog_changed() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN PERFORM pg_notify('{NOTIFY_CHANNEL}', ''); RETURN NULL; END $$",
                *(
                    f"CREATE TRIGGER {table}_changed AFTER {events} ON {table}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION hmi_catalog_changed()"
                    for table, events in CHANGES.items()
                ),
            ],
            [
                *(f"DROP TRIGGER {table}_changed ON {table}" for table in CHANGES),
                "DROP FUNCTION hmi_catalog_changed()",
            ],
        ),
    ]
