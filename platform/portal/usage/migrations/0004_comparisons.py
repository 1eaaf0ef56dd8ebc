"""Comparisons of a live version with one on trial: as events, and summed up by trial as they arrive."""

import uuid

import django.contrib.postgres.fields
from django.db import migrations, models

from portal.common.rls import USAGE_ROLE, protect

BOUNDS_MS = "ARRAY[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]::float8[]"
BOTH = "FILTER (WHERE NOT has_live_failed AND NOT has_trial_failed)"
ZERO = "'{}'::bigint[]"

FUNCTIONS = (
    # Counts by bucket, of which one may have more buckets than the other.
    """
    CREATE FUNCTION hmi_add_counts(a bigint[], b bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
        SELECT coalesce(array_agg(coalesce(x, 0) + coalesce(y, 0) ORDER BY n), '{}')
        FROM unnest(a, b) WITH ORDINALITY AS u (x, y, n)
    $$
    """,
    "CREATE AGGREGATE hmi_sum_counts (bigint[]) (SFUNC = hmi_add_counts, STYPE = bigint[], INITCOND = '{}')",
    """
    CREATE FUNCTION hmi_count_between(value float8, bounds float8[]) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE AS $$
        SELECT array_agg((n = width_bucket(value, bounds))::int::bigint ORDER BY n)
        FROM generate_series(0, cardinality(bounds)) n
    $$
    """,
    # Runs with the rights of its owner: the one who inserts may read and write nothing else.
    f"""
    CREATE FUNCTION hmi_comparisons_sum() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
    BEGIN
        INSERT INTO trial_figures AS f
        SELECT trial_id, tenant_id, count(*),
               count(*) FILTER (WHERE has_live_failed AND NOT has_trial_failed),
               count(*) FILTER (WHERE has_trial_failed AND NOT has_live_failed),
               count(*) FILTER (WHERE has_trial_failed AND has_live_failed),
               coalesce(sum(num_texts) {BOTH}, 0), sum(num_agreed), sum(difference),
               coalesce(hmi_sum_counts(difference_counts) {BOTH}, {ZERO}),
               sum(live_ms), sum(trial_ms),
               coalesce(hmi_sum_counts(hmi_count_between(live_ms, {BOUNDS_MS})) {BOTH}, {ZERO}),
               coalesce(hmi_sum_counts(hmi_count_between(trial_ms, {BOUNDS_MS})) {BOTH}, {ZERO})
        FROM new_events GROUP BY trial_id, tenant_id ORDER BY trial_id
        ON CONFLICT (trial_id) DO UPDATE SET
            num_requests = f.num_requests + excluded.num_requests,
            num_live_failed = f.num_live_failed + excluded.num_live_failed,
            num_trial_failed = f.num_trial_failed + excluded.num_trial_failed,
            num_both_failed = f.num_both_failed + excluded.num_both_failed,
            num_texts = f.num_texts + excluded.num_texts,
            num_agreed = f.num_agreed + excluded.num_agreed,
            difference = f.difference + excluded.difference,
            difference_counts = hmi_add_counts(f.difference_counts, excluded.difference_counts),
            live_ms = f.live_ms + excluded.live_ms,
            trial_ms = f.trial_ms + excluded.trial_ms,
            live_ms_counts = hmi_add_counts(f.live_ms_counts, excluded.live_ms_counts),
            trial_ms_counts = hmi_add_counts(f.trial_ms_counts, excluded.trial_ms_counts);
        RETURN NULL;
    END $$
    """,
    "REVOKE ALL ON FUNCTION hmi_comparisons_sum() FROM PUBLIC",
    "CREATE TRIGGER comparison_event_sum AFTER INSERT ON comparison_event"
    " REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION hmi_comparisons_sum()",
    f"GRANT INSERT ON comparison_event TO {USAGE_ROLE}",
    f"CREATE POLICY comparison_event_writer ON comparison_event FOR INSERT TO {USAGE_ROLE} WITH CHECK (true)",
)
BEFORE = (
    "DROP POLICY comparison_event_writer ON comparison_event",
    f"REVOKE INSERT ON comparison_event FROM {USAGE_ROLE}",
    "DROP TRIGGER comparison_event_sum ON comparison_event",
    "DROP FUNCTION hmi_comparisons_sum()",
    "DROP FUNCTION hmi_count_between(float8, float8[])",
    "DROP AGGREGATE hmi_sum_counts (bigint[])",
    "DROP FUNCTION hmi_add_counts(bigint[], bigint[])",
)


def _counts() -> django.contrib.postgres.fields.ArrayField:  # type: ignore[type-arg]
    return django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)


class Migration(migrations.Migration):
    dependencies = [("usage", "0003_keys_last_use")]

    operations = [
        migrations.CreateModel(
            name="ComparisonEvent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("trial_id", models.UUIDField()),
                ("created_at", models.DateTimeField()),
                ("num_texts", models.PositiveIntegerField()),
                ("has_live_failed", models.BooleanField()),
                ("has_trial_failed", models.BooleanField()),
                ("num_agreed", models.PositiveIntegerField()),
                ("live_ms", models.FloatField()),
                ("trial_ms", models.FloatField()),
                ("difference", models.FloatField()),
                ("difference_counts", _counts()),
            ],
            options={
                "db_table": "comparison_event",
                "indexes": [models.Index(fields=["tenant_id", "created_at"], name="comparison_event_tenant")],
            },
        ),
        migrations.CreateModel(
            name="TrialFigures",
            fields=[
                ("trial_id", models.UUIDField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("num_requests", models.BigIntegerField()),
                ("num_live_failed", models.BigIntegerField()),
                ("num_trial_failed", models.BigIntegerField()),
                ("num_both_failed", models.BigIntegerField()),
                ("num_texts", models.BigIntegerField()),
                ("num_agreed", models.BigIntegerField()),
                ("difference", models.FloatField()),
                ("difference_counts", _counts()),
                ("live_ms", models.FloatField()),
                ("trial_ms", models.FloatField()),
                ("live_ms_counts", _counts()),
                ("trial_ms_counts", _counts()),
            ],
            options={"db_table": "trial_figures"},
        ),
        protect("comparison_event", write="false"),
        protect("trial_figures", write="false"),
        migrations.RunSQL(list(FUNCTIONS), list(BEFORE)),
    ]
