"""Traffic of a task by hour and day."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from portal.catalog.models import Task
from portal.common.scope import operator_scope
from portal.tenants.models import Role
from portal.usage.models import UsageEvent, UsageHour
from portal.usage.services import HOURS_KEPT_FOR, usage_prune
from portal.usage.traffic import Step, traffic
from tests.fakes.portal import Cast, make_task, make_version

pytestmark = pytest.mark.database
NOW = datetime(2026, 11, 25, 13, 20, tzinfo=UTC)


def count(task: Task, *, at: datetime, version_id: UUID | None = None, **fields: Any) -> None:
    event = UsageEvent(
        tenant_id=task.tenant_id,
        task_id=task.id,
        key_id=uuid4(),
        version_id=version_id or uuid4(),
        created_at=at,
        **{"num_texts": 1, "num_tokens": 10, "num_truncated": 0, **fields},
    )
    with operator_scope():
        event.save(force_insert=True)


def test_hours_are_summed_with_latency_and_coverage(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    version_id = uuid4()
    for latency_ms in (10.0, 10.0, 400.0, None):
        count(
            task,
            at=NOW,
            version_id=version_id,
            latency_ms=latency_ms,
            num_trigram_tokens=4,
            num_bigram_tokens=3,
            num_exact_tokens=1,
        )
    count(task, at=NOW, num_texts=100, latency_ms=5.0)  # of another version
    count(task, at=NOW - timedelta(hours=2), num_texts=7)
    count(task, at=NOW - timedelta(hours=3))  # before what is asked for
    count(make_task(cast.globex.tenant), at=NOW, num_texts=1000)
    with operator_scope():
        hours = traffic(
            tenant=cast.acme.tenant,
            task_id=task.id,
            version_id=version_id,
            step=Step.HOUR,
            num_periods=3,
            now=NOW,
        )
        everything = traffic(
            tenant=cast.acme.tenant, task_id=task.id, version_id=None, step=Step.HOUR, num_periods=3, now=NOW
        )
    assert [hour.at.hour for hour in hours] == [11, 12, 13]
    assert [hour.num_requests for hour in hours] == [0, 0, 4]
    assert [hour.num_texts for hour in everything] == [7, 0, 104]
    last = hours[-1]
    assert last.latency_p50_ms == pytest.approx(10, rel=0.2)
    assert last.latency_p99_ms == pytest.approx(400, rel=0.2)
    assert last.coverage is not None
    shares = [last.coverage.trigram, last.coverage.bigram, last.coverage.unigram, last.coverage.exact]
    assert shares == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert (everything[0].latency_p50_ms, everything[1].coverage) == (None, None)


def test_days_begin_at_midnight_of_utc(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    for at in (NOW, NOW.replace(hour=0, minute=0), NOW.replace(hour=0, minute=0) - timedelta(seconds=1)):
        count(task, at=at, latency_ms=20.0)
    with operator_scope():
        days = traffic(
            tenant=cast.acme.tenant, task_id=task.id, version_id=None, step=Step.DAY, num_periods=2, now=NOW
        )
    assert [(day.at.day, day.num_requests) for day in days] == [(24, 1), (25, 2)]


def test_traffic_is_told_by_rest(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    version = make_version(task)
    count(task, at=timezone.now(), version_id=version.id, latency_ms=3.0)
    count(task, at=timezone.now(), latency_ms=3.0)
    client, path = cast.acme.client(Role.VIEWER), f"{cast.acme.path}/tasks/news/traffic"
    hours = client.get(path).json()
    newest = hours["results"][-2:]  # an hour may have ended since, or a day
    assert (hours["by"], len(hours["results"])) == ("hour", 48)
    assert sum(hour["num_requests"] for hour in newest) == 2
    days = client.get(f"{path}?by=day&periods=2&version=1").json()
    [day] = [day for day in days["results"] if day["num_requests"]]
    assert (day["num_requests"], day["latency_p99_ms"]) == (1, pytest.approx(3.0, rel=0.2))
    assert client.get(f"{path}?version=2").status_code == 404


@pytest.mark.parametrize("query", ["by=month", "periods=0", "periods=337", "version=x"])
def test_what_makes_no_sense_is_refused(cast: Cast, query: str) -> None:
    make_task(cast.acme.tenant)
    answer = cast.acme.client().get(f"{cast.acme.path}/tasks/news/traffic?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, query.partition("=")[0])


def test_old_hours_are_forgotten(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    for at in (NOW, NOW - HOURS_KEPT_FOR - timedelta(hours=1)):
        count(task, at=at)
    usage_prune(now=NOW, events_kept_for=HOURS_KEPT_FOR)
    with operator_scope():
        assert [row.hour for row in UsageHour.objects.unscoped()] == [NOW.replace(minute=0)]
