"""Usage through the REST API."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from portal.common.scope import operator_scope
from portal.tenants.models import Role
from portal.usage.models import UsageEvent
from tests.fakes.portal import Cast, client_of, make_task

pytestmark = pytest.mark.database


def _count(tenant_id: UUID, task_id: UUID, *, days_ago: int, num_texts: int) -> None:
    event = UsageEvent(
        tenant_id=tenant_id,
        task_id=task_id,
        key_id=uuid4(),
        version_id=uuid4(),
        created_at=timezone.now() - timedelta(days=days_ago),
        num_texts=num_texts,
        num_tokens=10 * num_texts,
        num_truncated=1,
    )
    with operator_scope():
        event.save(force_insert=True)


def test_usage_is_summed_by_task_and_day(cast: Cast) -> None:
    acme, task = cast.acme.tenant, make_task(cast.acme.tenant)
    _count(acme.id, task.id, days_ago=0, num_texts=2)
    _count(acme.id, task.id, days_ago=0, num_texts=3)
    _count(acme.id, task.id, days_ago=1, num_texts=4)
    _count(acme.id, uuid4(), days_ago=1, num_texts=5)  # of a task that has been deleted
    _count(acme.id, task.id, days_ago=9, num_texts=100)
    _count(cast.globex.tenant.id, uuid4(), days_ago=0, num_texts=1000)
    body = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/usage?days=2").json()
    assert body["days"] == 2
    found = {(row["task"], row["num_texts"]): row for row in body["results"]}
    assert set(found) == {("news", 5), ("news", 4), (None, 5)}
    today = found["news", 5]
    assert today["day"] == timezone.now().date().isoformat()
    assert (today["num_requests"], today["num_tokens"], today["num_truncated"]) == (2, 50, 2)


@pytest.mark.parametrize("days", ["0", "367", "many"])
def test_a_span_that_makes_no_sense_is_refused(cast: Cast, days: str) -> None:
    answer = cast.acme.client().get(f"{cast.acme.path}/usage?days={days}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "days")


def test_another_tenants_usage_is_not_there(cast: Cast) -> None:
    for stranger in (cast.globex.client(), client_of(cast.nobody)):
        assert stranger.get(f"{cast.acme.path}/usage").status_code == 404
