"""The inference service hears what each tenant may use, and what it has used in this period."""

from django.db import migrations

from portal.common.rls import SERVING_ROLE

LIMITS = """
CREATE VIEW serving_v1.limits AS
SELECT t.id::text AS tenant_id, coalesce(o.weight, p.weight) AS weight,
       coalesce(o.requests_per_s, p.requests_per_s) AS requests_per_s, coalesce(o.burst, p.burst) AS burst,
       coalesce(o.quota_texts, p.quota_texts) AS quota_texts,
       coalesce(o.quota_tokens, p.quota_tokens) AS quota_tokens,
       (b.begins + ('1 ' || p.quota_period)::interval) AT TIME ZONE 'UTC' AS period_ends_at,
       coalesce(u.texts, 0)::bigint AS used_texts, coalesce(u.tokens, 0)::bigint AS used_tokens
FROM tenant t
LEFT JOIN tenant_limits o ON o.tenant_id = t.id
JOIN plan p ON p.slug = coalesce(o.plan_id, (SELECT slug FROM plan WHERE is_default))
CROSS JOIN LATERAL (SELECT date_trunc(p.quota_period, now() AT TIME ZONE 'UTC') AS begins) b
LEFT JOIN LATERAL (
    SELECT sum(d.num_texts) AS texts, sum(d.num_tokens) AS tokens
    FROM usage_day d WHERE d.tenant_id = t.id AND d.day >= b.begins::date
) u ON coalesce(o.quota_texts, p.quota_texts, o.quota_tokens, p.quota_tokens) IS NOT NULL
WHERE t.is_active
"""
TABLES = ("plan", "tenant_limits")


class Migration(migrations.Migration):
    dependencies = [("serving", "0005_trials"), ("usage", "0005_days_and_limits")]

    operations = [
        migrations.RunSQL(
            [LIMITS, f"GRANT SELECT ON serving_v1.limits TO {SERVING_ROLE}"], "DROP VIEW serving_v1.limits"
        ),
        migrations.RunSQL(
            [
                f"CREATE TRIGGER {table}_changed AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION hmi_catalog_changed()"
                for table in TABLES
            ],
            [f"DROP TRIGGER {table}_changed ON {table}" for table in TABLES],
        ),
    ]
