"""Each flush of usage notes when its keys were last used: the inference service itself may not write keys."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("usage", "0002_usage_writer"), ("tenants", "0002_apikey_task")]

    operations = [
        migrations.RunSQL(
            [
                # Runs with the rights of its owner, who may write keys; the one who inserts may not.
                """
                CREATE FUNCTION hmi_keys_used() RETURNS trigger
                LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
                BEGIN
                    UPDATE api_key k SET last_used_at = u.at
                    FROM (SELECT key_id, max(created_at) AS at FROM new_events GROUP BY key_id) u
                    WHERE k.id = u.key_id AND (k.last_used_at IS NULL OR k.last_used_at < u.at);
                    RETURN NULL;
                END $$
                """,
                "REVOKE ALL ON FUNCTION hmi_keys_used() FROM PUBLIC",
                "CREATE TRIGGER usage_event_keys_used AFTER INSERT ON usage_event"
                " REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION hmi_keys_used()",
            ],
            ["DROP TRIGGER usage_event_keys_used ON usage_event", "DROP FUNCTION hmi_keys_used()"],
        ),
    ]
