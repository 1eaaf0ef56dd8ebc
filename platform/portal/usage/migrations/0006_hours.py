"""Usage by hour with latencies, summed up as it arrives."""

import django.contrib.postgres.fields
from django.db import migrations, models

from portal.common.rls import protect

TOKENS = ("num_tokens", "num_trigram_tokens", "num_bigram_tokens", "num_exact_tokens")
COUNTS = ("num_requests", "num_texts", *TOKENS)
COLUMNS = ", ".join(("tenant_id", "hour", "task_id", "version_id", *COUNTS, "latency_counts"))
ADDED = ", ".join(
    (
        *(f"{name} = u.{name} + excluded.{name}" for name in COUNTS),
        "latency_counts = hmi_add_counts(u.latency_counts, excluded.latency_counts)",
    )
)
# As usage.latencies says: buckets that grow by a fifth, from a millisecond on. greatest() would ignore a null.
BUCKET = (
    "CASE WHEN latency_ms IS NOT NULL"
    " THEN least(63, greatest(0, ceil(ln(greatest(latency_ms, 0.001)) / ln(1.2::float8))))::int END"
)


def _sum_up(source: str) -> str:
    return f"""
    INSERT INTO usage_hour AS u ({COLUMNS})
    SELECT tenant_id, hour, task_id, version_id, {", ".join(f"sum({name})" for name in COUNTS)},
           hmi_sum_counts(
               CASE WHEN bucket IS NULL THEN '{{}}'::bigint[]
               ELSE array_fill(0::bigint, ARRAY[bucket]) || num_requests END
           )
    FROM (
        SELECT tenant_id, date_trunc('hour', created_at, 'UTC') AS hour, task_id, version_id,
               {BUCKET} AS bucket, count(*) AS num_requests, sum(num_texts) AS num_texts,
               {", ".join(f"sum({name}) AS {name}" for name in TOKENS)}
        FROM {source} GROUP BY 1, 2, 3, 4, 5
    ) b GROUP BY 1, 2, 3, 4 ORDER BY 1, 3, 2, 4
    ON CONFLICT (tenant_id, task_id, hour, version_id) DO UPDATE SET {ADDED}
    """


FUNCTION = f"""
CREATE FUNCTION hmi_usage_sum_hours() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    {_sum_up("new_events")};
    RETURN NULL;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("usage", "0005_days_and_limits")]

    operations = [
        migrations.AddField("usageevent", "latency_ms", models.FloatField(null=True)),
        migrations.CreateModel(
            name="UsageHour",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("hour", models.DateTimeField()),
                ("task_id", models.UUIDField()),
                ("version_id", models.UUIDField()),
                *((name, models.BigIntegerField()) for name in COUNTS),
                (
                    "latency_counts",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
            ],
            options={
                "db_table": "usage_hour",
                "indexes": [models.Index(fields=["hour"], name="usage_hour_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "task_id", "hour", "version_id"), name="usage_hour_once"
                    )
                ],
            },
        ),
        protect("usage_hour", write="false"),
        migrations.RunSQL(
            [
                _sum_up("usage_event"),
                FUNCTION,
                "REVOKE ALL ON FUNCTION hmi_usage_sum_hours() FROM PUBLIC",
                "CREATE TRIGGER usage_event_sum_hours AFTER INSERT ON usage_event REFERENCING NEW TABLE"
                " AS new_events FOR EACH STATEMENT EXECUTE FUNCTION hmi_usage_sum_hours()",
            ],
            ["DROP TRIGGER usage_event_sum_hours ON usage_event", "DROP FUNCTION hmi_usage_sum_hours()"],
        ),
    ]
