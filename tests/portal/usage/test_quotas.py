"""What webhooks are told of quotas."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from portal.common.scope import operator_scope
from portal.tenants.models import Tenant
from portal.usage import jobs
from portal.usage.models import Plan, QuotaNotice, TenantLimits, UsageEvent
from portal.usage.services import HOURS_KEPT_FOR, quotas_watch, usage_prune
from portal.webhooks.models import WebhookEvent
from tests.fakes.portal import Cast, make_webhook

pytestmark = pytest.mark.database
NOW = datetime(2026, 11, 25, 13, 20, tzinfo=UTC)


def use(tenant: Tenant, num_texts: int, *, at: datetime = NOW) -> None:
    event = UsageEvent(
        tenant_id=tenant.id,
        task_id=uuid4(),
        key_id=uuid4(),
        version_id=uuid4(),
        created_at=at,
        num_texts=num_texts,
        num_tokens=10 * num_texts,
        num_truncated=0,
    )
    with operator_scope():
        event.save(force_insert=True)


def allow(tenant: Tenant, *, quota_texts: int | None = None, quota_tokens: int | None = None) -> None:
    with operator_scope():
        Plan.objects.update_or_create(slug="standard", defaults={"name": "Standard", "is_default": True})
        TenantLimits(tenant=tenant, quota_texts=quota_texts, quota_tokens=quota_tokens).save()


def told() -> list[dict[str, Any]]:
    with operator_scope():
        events = WebhookEvent.objects.unscoped().filter(type="quota.reached").order_by("pk")
        return [event.data for event in events]


def test_eighty_percent_and_all_of_a_quota_are_told_once(cast: Cast) -> None:
    acme = cast.acme.tenant
    make_webhook(acme)
    make_webhook(cast.globex.tenant)
    allow(acme, quota_texts=100, quota_tokens=100_000)
    use(cast.globex.tenant, 1000)  # without a quota
    use(acme, 1000, at=NOW - timedelta(days=30))
    for num_texts, expected in ((79, []), (1, [80]), (10, [80]), (10, [80, 100]), (50, [80, 100])):
        use(acme, num_texts)
        quotas_watch(now=NOW)
        assert [data["percent"] for data in told()] == expected
    assert told()[0] == {
        "what": "texts",
        "percent": 80,
        "used": 80,
        "quota": 100,
        "period": "month",
        "period_began": "2026-11-01",
    }


def test_the_job_looks_at_the_period_that_runs(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    allow(cast.acme.tenant, quota_texts=1)
    use(cast.acme.tenant, 1, at=datetime.now(UTC))
    jobs.quotas_watch()
    [data] = told()
    assert (data["what"], data["percent"]) == ("texts", 100)


def test_a_leap_past_both_is_told_as_all(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    allow(cast.acme.tenant, quota_tokens=50)
    use(cast.acme.tenant, 7)
    for _ in range(2):
        quotas_watch(now=NOW)
    [data] = told()
    assert (data["what"], data["percent"], data["used"]) == ("tokens", 100, 70)


def test_a_new_period_and_a_new_quota_are_told_anew(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    allow(cast.acme.tenant, quota_texts=10)
    use(cast.acme.tenant, 10)
    quotas_watch(now=NOW)
    with operator_scope():
        TenantLimits.objects.update(quota_texts=12)
    quotas_watch(now=NOW)
    later = NOW + timedelta(days=10)
    use(cast.acme.tenant, 12, at=later)
    quotas_watch(now=later)
    assert [(data["percent"], data["quota"], data["period_began"]) for data in told()] == [
        (100, 10, "2026-11-01"),
        (80, 12, "2026-11-01"),
        (100, 12, "2026-12-01"),
    ]


def test_a_quota_of_the_plan_holds_for_all_and_by_day(cast: Cast) -> None:
    make_webhook(cast.globex.tenant)
    allow(cast.acme.tenant)
    with operator_scope():
        Plan.objects.update(quota_period="day", quota_texts=10)
    use(cast.globex.tenant, 100, at=NOW - timedelta(days=1))
    quotas_watch(now=NOW)
    assert told() == []
    use(cast.globex.tenant, 8)
    quotas_watch(now=NOW)
    [data] = told()
    assert (data["percent"], data["period"], data["period_began"]) == (80, "day", "2026-11-25")


def test_the_usage_of_a_tenant_that_is_gone_keeps_nobody_from_being_told(cast: Cast) -> None:
    make_webhook(cast.acme.tenant)
    allow(cast.acme.tenant)
    with operator_scope():
        Plan.objects.update(quota_texts=10)
    use(Tenant(slug="gone"), 10)
    use(cast.acme.tenant, 10)
    quotas_watch(now=NOW)
    assert [data["percent"] for data in told()] == [100]


def test_old_notices_are_forgotten(cast: Cast) -> None:
    allow(cast.acme.tenant, quota_texts=1)
    use(cast.acme.tenant, 1)
    quotas_watch(now=NOW)
    with operator_scope():
        assert QuotaNotice.objects.unscoped().count() == 2
    later = datetime.now(UTC) + HOURS_KEPT_FOR + timedelta(days=1)
    usage_prune(now=later, events_kept_for=HOURS_KEPT_FOR)
    with operator_scope():
        assert not QuotaNotice.objects.unscoped().exists()
