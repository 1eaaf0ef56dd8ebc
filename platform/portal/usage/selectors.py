"""Reading usage, and what of it is allowed."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Aggregate, BigIntegerField, Sum

from portal.tenants.models import ApiKey, Tenant
from portal.usage.models import Plan, QuotaPeriod, TenantLimits, UsageDay

COLUMNS = (
    "day",
    "task",
    "task_id",
    "key",
    "key_id",
    "num_requests",
    "num_texts",
    "num_tokens",
    "num_truncated",
)
DRIFT_COUNTS = ("num_texts", "num_tokens", "num_trigram_tokens", "num_bigram_tokens")
COUNTS = ("num_requests", "num_texts", "num_tokens", "num_truncated")


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was counted for one task on one day (UTC), of all keys or of one."""

    day: date
    task_id: UUID
    key_id: UUID | None
    key: str | None  # the key's name; None of all keys, or when it is gone
    num_requests: int
    num_texts: int
    num_tokens: int
    num_truncated: int


def usage_by_day(*, tenant: Tenant, days: int, now: datetime, by_key: bool) -> list[UsageRow]:
    """Usage of the last ``days`` days, today included, by task and, if asked for, key; oldest day first."""
    first = now.astimezone(UTC).date() - timedelta(days=days - 1)
    groups = ("day", "task_id", "key_id") if by_key else ("day", "task_id")
    rows = (
        UsageDay.objects.for_tenant(tenant)
        .filter(day__gte=first)
        .values(*groups)
        .annotate(**{f"all_{name}": Sum(name) for name in COUNTS})
        .order_by(*groups)
    )
    names = dict(ApiKey.objects.for_tenant(tenant).values_list("id", "name")) if by_key else {}
    return [
        UsageRow(
            day=row["day"],
            task_id=row["task_id"],
            key_id=row.get("key_id"),
            key=names.get(row.get("key_id")),
            **{name: row[f"all_{name}"] for name in COUNTS},
        )
        for row in rows
    ]


def version_counts(*, tenant: Tenant, version_id: UUID, first: date) -> dict[str, Any]:
    """What was counted of one version since the day ``first``; see serving.drift.LiveCounts."""
    days = UsageDay.objects.for_tenant(tenant).filter(version_id=version_id, day__gte=first)
    summed = days.aggregate(
        **{f"all_{name}": Sum(name) for name in DRIFT_COUNTS},
        scores=SumCounts("score_counts"),
        labels=SumCounts("label_counts"),
    )
    counts = {name: summed[f"all_{name}"] or 0 for name in DRIFT_COUNTS}
    return {**counts, "score_counts": summed["scores"] or [], "label_counts": summed["labels"] or []}


def versions_counted(*, first: date, min_texts: int) -> dict[UUID, dict[str, Any]]:
    """As version_counts, of every version that got ``min_texts`` since; the operator's scope."""
    rows = (
        UsageDay.objects.unscoped()
        .filter(day__gte=first)
        .values("version_id")
        .annotate(
            texts=Sum("num_texts"),
            tokens=Sum("num_tokens"),
            trigram=Sum("num_trigram_tokens"),
            bigram=Sum("num_bigram_tokens"),
            scores=SumCounts("score_counts"),
            labels=SumCounts("label_counts"),
        )
        .filter(texts__gte=min_texts)
    )
    return {
        row["version_id"]: {
            "num_texts": row["texts"],
            "num_tokens": row["tokens"],
            "num_trigram_tokens": row["trigram"],
            "num_bigram_tokens": row["bigram"],
            "score_counts": row["scores"],
            "label_counts": row["labels"],
        }
        for row in rows
    }


class SumCounts(Aggregate):
    """Counts by bucket, bucket by bucket."""

    function = "hmi_sum_counts"
    output_field = ArrayField(BigIntegerField())


def usage_csv(rows: Sequence[UsageRow], slug_of: dict[UUID, str]) -> Iterator[bytes]:
    """A table with a header, a line a row, UTF-8; names that a spreadsheet would run begin with '."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        told = {name: getattr(row, name, None) for name in COLUMNS}
        told["task"] = slug_of.get(row.task_id)
        told["key"] = f"'{row.key}" if row.key and row.key[0] in "=+-@\t\r" else row.key
        writer.writerow([told[name] for name in COLUMNS])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a tenant may use, and has used in this period."""

    plan: str
    weight: float
    requests_per_s: float | None
    burst: int
    period: QuotaPeriod
    period_began: date
    quota_texts: int | None
    quota_tokens: int | None
    used_texts: int
    used_tokens: int
    max_stored_bytes: int | None

    @property
    def has_quota(self) -> bool:
        return self.quota_texts is not None or self.quota_tokens is not None


def allowance_get(*, tenant: Tenant, now: datetime) -> Allowance:
    """As the view serving_v1.limits tells the inference service."""
    own = TenantLimits.objects.filter(tenant=tenant).select_related("plan").first() or TenantLimits()
    plan = own.plan or Plan.objects.get(is_default=True)
    began = period_began(QuotaPeriod(plan.quota_period), now)
    used = UsageDay.objects.for_tenant(tenant).filter(day__gte=began).aggregate(**_USED)
    return _allowance(plan, own, began, used)


def stored_bytes(*, tenant: Tenant) -> int:
    """What of ``max_stored_bytes`` is taken, as the database counts it when something is added."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT hmi_stored_bytes(%s)", [tenant.pk])
        return int(cursor.fetchone()[0])


def allowances_with_quota(*, now: datetime) -> dict[UUID, Allowance]:
    """Of every tenant that has a quota and has used of it; the operator's scope."""
    default = Plan.objects.get(is_default=True)
    own_of = {own.tenant_id: own for own in TenantLimits.objects.select_related("plan")}
    found: dict[UUID, Allowance] = {}
    for period in QuotaPeriod:
        began = period_began(period, now)
        days = UsageDay.objects.unscoped().filter(day__gte=began).values("tenant_id").annotate(**_USED)
        for used in days:
            own = own_of.get(used["tenant_id"]) or TenantLimits()
            plan = own.plan or default
            allowance = _allowance(plan, own, began, dict(used))
            if plan.quota_period == period and allowance.has_quota:
                found[used["tenant_id"]] = allowance
    return found


def period_began(period: QuotaPeriod, now: datetime) -> date:
    """Its first day (UTC)."""
    today = now.astimezone(UTC).date()
    return today if period == QuotaPeriod.DAY else today.replace(day=1)


_USED = {"texts": Sum("num_texts"), "tokens": Sum("num_tokens")}


def _allowance(plan: Plan, own: TenantLimits, began: date, used: dict[str, Any]) -> Allowance:
    return Allowance(
        plan=plan.name,
        weight=plan.weight if own.weight is None else own.weight,
        requests_per_s=plan.requests_per_s if own.requests_per_s is None else own.requests_per_s,
        burst=plan.burst if own.burst is None else own.burst,
        period=QuotaPeriod(plan.quota_period),
        period_began=began,
        quota_texts=plan.quota_texts if own.quota_texts is None else own.quota_texts,
        quota_tokens=plan.quota_tokens if own.quota_tokens is None else own.quota_tokens,
        used_texts=used["texts"] or 0,
        used_tokens=used["tokens"] or 0,
        max_stored_bytes=plan.max_stored_bytes if own.max_stored_bytes is None else own.max_stored_bytes,
    )
