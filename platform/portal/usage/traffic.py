"""A task's traffic, latency and coverage over time, by hour or day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Trunc

from portal.tenants.models import Tenant
from portal.usage.latencies import percentile_ms
from portal.usage.models import UsageHour
from portal.usage.selectors import SumCounts

COUNTS = (
    "num_requests",
    "num_texts",
    "num_tokens",
    "num_trigram_tokens",
    "num_bigram_tokens",
    "num_exact_tokens",
)


class Step(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"


_LENGTHS = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class RungShares:
    """Share of tokens answered at each rung; they sum to 1."""

    trigram: float
    bigram: float
    unigram: float
    exact: float


@dataclass(frozen=True, slots=True)
class Period:
    """What was answered in one hour or day (UTC)."""

    at: datetime  # its beginning
    num_requests: int
    num_texts: int
    num_tokens: int
    latency_p50_ms: float | None  # None: no request, or none that was measured
    latency_p99_ms: float | None
    coverage: RungShares | None  # None: no token


def traffic(
    *, tenant: Tenant, task_id: UUID, version_id: UUID | None, step: Step, num_periods: int, now: datetime
) -> list[Period]:
    """The last ``num_periods``, the one under way included, without a gap; of one version or of all."""
    starts = list(_starts(step, num_periods, now))
    hours = UsageHour.objects.for_tenant(tenant).filter(task_id=task_id, hour__gte=starts[0])
    if version_id is not None:
        hours = hours.filter(version_id=version_id)
    rows = (
        hours.annotate(at=Trunc("hour", step.value, tzinfo=UTC))
        .values("at")
        .annotate(**{f"all_{name}": Sum(name) for name in COUNTS}, latencies=SumCounts("latency_counts"))
    )
    found = {row["at"]: _period(dict(row)) for row in rows}
    return [found.get(at) or Period(at, 0, 0, 0, None, None, None) for at in starts]


def _starts(step: Step, num_periods: int, now: datetime) -> Iterator[datetime]:
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step is Step.DAY:
        last = last.replace(hour=0)
    for number in reversed(range(num_periods)):
        yield last - number * _LENGTHS[step]


def _period(row: dict[str, Any]) -> Period:
    tokens, trigram, bigram, exact = (row[f"all_{name}"] for name in COUNTS[2:])
    rest = max(0, tokens - trigram - bigram - exact)  # each request's were rounded
    return Period(
        at=row["at"],
        num_requests=row["all_num_requests"],
        num_texts=row["all_num_texts"],
        num_tokens=tokens,
        latency_p50_ms=percentile_ms(row["latencies"], 0.5),
        latency_p99_ms=percentile_ms(row["latencies"], 0.99),
        coverage=RungShares(trigram / tokens, bigram / tokens, rest / tokens, exact / tokens)
        if tokens
        else None,
    )
