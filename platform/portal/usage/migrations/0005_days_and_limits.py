"""Usage by day, summed up as it arrives; plans, and what is different for single tenants."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from portal.common.rls import protect

COUNTS = (
    "num_texts",
    "num_tokens",
    "num_truncated",
    "num_trigram_tokens",
    "num_bigram_tokens",
    "num_exact_tokens",
)
ARRAYS = ("score_counts", "label_counts")
COLUMNS = ", ".join(("tenant_id", "day", "task_id", "key_id", "version_id", "num_requests", *COUNTS, *ARRAYS))
SUMS = ", ".join((*(f"sum({name})" for name in COUNTS), *(f"hmi_sum_counts({name})" for name in ARRAYS)))
ADDED = ", ".join(
    (
        *(f"{name} = u.{name} + excluded.{name}" for name in ("num_requests", *COUNTS)),
        *(f"{name} = hmi_add_counts(u.{name}, excluded.{name})" for name in ARRAYS),
    )
)
DAY = "(created_at AT TIME ZONE 'UTC')::date"


def _sum_up(source: str) -> str:
    return f"""
    INSERT INTO usage_day AS u ({COLUMNS})
    SELECT tenant_id, {DAY}, task_id, key_id, version_id, count(*), {SUMS}
    FROM {source} GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
    ON CONFLICT (tenant_id, day, task_id, key_id, version_id) DO UPDATE SET {ADDED}
    """


FUNCTION = f"""
CREATE FUNCTION hmi_usage_sum() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
BEGIN
    {_sum_up("new_events")};
    RETURN NULL;
END $$
"""


def _counts() -> django.contrib.postgres.fields.ArrayField:  # type: ignore[type-arg]
    return django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)


def _counts_or_none() -> django.contrib.postgres.fields.ArrayField:  # type: ignore[type-arg]
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.BigIntegerField(), default=list, size=None
    )


class Migration(migrations.Migration):
    dependencies = [("usage", "0004_comparisons"), ("tenants", "0002_apikey_task")]

    operations = [
        *(
            migrations.AddField("usageevent", name, models.PositiveIntegerField(default=0))
            for name in ("num_trigram_tokens", "num_bigram_tokens", "num_exact_tokens")
        ),
        *(migrations.AddField("usageevent", name, _counts_or_none()) for name in ARRAYS),
        migrations.CreateModel(
            name="UsageDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("day", models.DateField()),
                ("task_id", models.UUIDField()),
                ("key_id", models.UUIDField()),
                ("version_id", models.UUIDField()),
                *((name, models.BigIntegerField()) for name in ("num_requests", *COUNTS)),
                *((name, _counts()) for name in ARRAYS),
            ],
            options={
                "db_table": "usage_day",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "day", "task_id", "key_id", "version_id"), name="usage_day_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("slug", models.SlugField(max_length=63, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=200)),
                (
                    "is_default",
                    models.BooleanField(
                        default=False, help_text="Of all tenants that have no plan of their own."
                    ),
                ),
                (
                    "weight",
                    models.FloatField(
                        default=1.0, help_text="Share of a busy device: twice the weight, twice the share."
                    ),
                ),
                (
                    "requests_per_s",
                    models.FloatField(
                        blank=True, help_text="Of each key. Empty: as many as come.", null=True
                    ),
                ),
                (
                    "burst",
                    models.PositiveIntegerField(
                        default=20, help_text="Requests that a key may send at once."
                    ),
                ),
                (
                    "quota_period",
                    models.CharField(
                        choices=[("day", "Day"), ("month", "Month")], default="month", max_length=8
                    ),
                ),
                *(
                    (
                        name,
                        models.PositiveBigIntegerField(
                            blank=True, help_text="In a period. Empty: no quota.", null=True
                        ),
                    )
                    for name in ("quota_texts", "quota_tokens")
                ),
            ],
            options={
                "db_table": "plan",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("is_default",),
                        name="plan_one_default",
                    ),
                    models.CheckConstraint(condition=models.Q(("weight__gt", 0)), name="plan_weight"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("requests_per_s__isnull", True), ("requests_per_s__gt", 0), _connector="OR"
                        ),
                        name="plan_requests_per_s",
                    ),
                    models.CheckConstraint(condition=models.Q(("burst__gte", 1)), name="plan_burst"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TenantLimits",
            fields=[
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="tenants.tenant",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="usage.plan",
                    ),
                ),
                ("weight", models.FloatField(blank=True, null=True)),
                ("requests_per_s", models.FloatField(blank=True, null=True)),
                ("burst", models.PositiveIntegerField(blank=True, null=True)),
                ("quota_texts", models.PositiveBigIntegerField(blank=True, null=True)),
                ("quota_tokens", models.PositiveBigIntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "tenant_limits",
                "verbose_name_plural": "tenant limits",
                "constraints": [
                    *(
                        models.CheckConstraint(
                            condition=models.Q(
                                (f"{name}__isnull", True), (f"{name}__gt", 0), _connector="OR"
                            ),
                            name=f"tenant_limits_{name}",
                        )
                        for name in ("weight", "requests_per_s")
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("burst__isnull", True), ("burst__gte", 1), _connector="OR"),
                        name="tenant_limits_burst",
                    ),
                ],
            },
        ),
        protect("usage_day", write="false"),
        protect("plan", read="true", write="false"),
        protect("tenant_limits", write="false"),
        migrations.RunSQL(
            [
                "INSERT INTO plan (slug, name, is_default, weight, burst, quota_period)"
                " VALUES ('standard', 'Standard', true, 1, 20, 'month')",
                _sum_up("usage_event"),
                FUNCTION,
                "REVOKE ALL ON FUNCTION hmi_usage_sum() FROM PUBLIC",
                "CREATE TRIGGER usage_event_sum AFTER INSERT ON usage_event"
                " REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION hmi_usage_sum()",
            ],
            [
                "DROP TRIGGER usage_event_sum ON usage_event",
                "DROP FUNCTION hmi_usage_sum()",
            ],
        ),
    ]
