"""Usage and limits through the REST API and the console."""

import csv
import io
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import ProgrammingError
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope, tenant_scope
from portal.tenants.models import ApiKey, Role
from portal.usage.models import Plan, TenantLimits, UsageEvent
from tests.fakes.portal import Cast, client_of, make_key, make_task, make_user

pytestmark = pytest.mark.database


def _count(
    tenant_id: UUID, task_id: UUID, *, days_ago: int, num_texts: int, key_id: UUID | None = None
) -> None:
    event = UsageEvent(
        tenant_id=tenant_id,
        task_id=task_id,
        key_id=key_id or uuid4(),
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


def test_usage_by_key_names_the_key(cast: Cast) -> None:
    acme, task = cast.acme.tenant, make_task(cast.acme.tenant)
    make_key(acme)
    with tenant_scope(acme.id):
        key = ApiKey.objects.for_tenant(acme).get()
    _count(acme.id, task.id, days_ago=0, num_texts=2, key_id=key.id)
    _count(acme.id, task.id, days_ago=0, num_texts=3)
    rows = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/usage?by=key").json()["results"]
    assert {(row["key"], row["num_texts"]) for row in rows} == {("test", 2), (None, 3)}
    assert str(key.id) in {row["key_id"] for row in rows}


def test_usage_can_be_downloaded_for_a_spreadsheet(cast: Cast) -> None:
    acme, task = cast.acme.tenant, make_task(cast.acme.tenant)
    make_key(acme)
    with tenant_scope(acme.id):
        key = ApiKey.objects.for_tenant(acme).get()
        ApiKey.objects.for_tenant(acme).update(name="=SUM(A1)")
    _count(acme.id, task.id, days_ago=0, num_texts=2, key_id=key.id)
    answer = cast.acme.client().get(f"{cast.acme.path}/usage/export?by=key")
    assert answer["Content-Type"] == "text/csv"
    assert 'filename="acme.usage.csv"' in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    header, line = csv.DictReader(io.StringIO(text)).fieldnames, list(csv.DictReader(io.StringIO(text)))
    assert header is not None and header[:3] == ["day", "task", "task_id"]
    assert [(row["task"], row["key"], row["num_texts"]) for row in line] == [("news", "'=SUM(A1)", "2")]


def test_the_allowance_is_the_plan_with_what_differs_for_the_tenant(cast: Cast) -> None:
    acme = cast.acme.tenant
    with operator_scope():
        Plan.objects.update_or_create(
            slug="standard", defaults={"name": "Standard", "is_default": True, "quota_tokens": 1000}
        )
        gold = Plan(slug="gold", name="Gold", weight=3, quota_period="day")
        gold.save()
        TenantLimits(tenant=acme, plan=gold, quota_texts=5).save()
    _count(acme.id, uuid4(), days_ago=0, num_texts=2)
    _count(acme.id, uuid4(), days_ago=1, num_texts=100)
    own = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/usage/allowance").json()
    assert (own["plan"], own["weight"], own["period"]) == ("Gold", 3.0, "day")
    assert (own["quota_texts"], own["quota_tokens"], own["used_texts"]) == (5, None, 2)
    plain = cast.globex.client().get(f"{cast.globex.path}/usage/allowance").json()
    assert (plain["plan"], plain["quota_tokens"], plain["used_tokens"]) == ("Standard", 1000, 0)


def test_the_operator_sets_plans_and_limits_in_the_console(cast: Cast) -> None:
    operator = client_of(make_user("operator@example.com", is_operator=True))
    plan = {"slug": "gold", "name": "Gold", "weight": "2", "burst": "9", "quota_period": "day"}
    assert operator.post("/admin/usage/plan/add/", plan).status_code == 302
    default = {"action": "make_default", "_selected_action": "gold"}
    assert operator.post("/admin/usage/plan/", default).status_code == 302
    limits = {"tenant": str(cast.acme.tenant.id), "quota_texts": "10"}
    assert operator.post("/admin/usage/tenantlimits/add/", limits).status_code == 302
    with operator_scope():
        assert [found.slug for found in Plan.objects.filter(is_default=True)] == ["gold"]
        assert TenantLimits.objects.get().quota_texts == 10
        actions = list(AuditEntry.objects.unscoped().values_list("action", "actor"))
        for action in ("plan.save", "plan.make_default", "tenant_limits.save"):
            assert (action, "user:operator@example.com") in actions
    renamed = operator.post("/admin/usage/plan/gold/change/", {**plan, "slug": "silver", "name": "Silver"})
    assert renamed.status_code == 302
    with operator_scope():
        assert [(found.slug, found.name) for found in Plan.objects.filter(is_default=True)] == [
            ("gold", "Silver")
        ]
    assert operator.post("/admin/usage/plan/gold/delete/", {"post": "yes"}).status_code == 403


def test_limits_stay_their_tenants_and_tenants_are_searched_for(cast: Cast) -> None:
    operator = client_of(make_user("operator@example.com", is_operator=True))
    acme, globex = cast.acme.tenant, cast.globex.tenant
    with operator_scope():
        for tenant, texts in ((acme, 10), (globex, 20)):
            TenantLimits(tenant=tenant, quota_texts=texts).save()
    address = f"/admin/usage/tenantlimits/{acme.pk}/change/"
    moved = operator.post(address, {"tenant": str(globex.pk), "quota_texts": "11"})
    assert moved.status_code == 302
    with operator_scope():
        assert dict(TenantLimits.objects.values_list("tenant", "quota_texts")) == {acme.pk: 11, globex.pk: 20}
    assert str(globex.pk) not in operator.get("/admin/usage/tenantlimits/add/").content.decode()
    asked = {"app_label": "usage", "model_name": "tenantlimits", "field_name": "tenant", "term": "glob"}
    found = operator.get("/admin/autocomplete/", asked).json()["results"]
    assert [one["id"] for one in found] == [str(globex.pk)]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("weight", "0", "Give a number above 0."),
        ("requests_per_s", "-1", "Give a number above 0."),
        ("burst", "0", "Ensure this value is greater than or equal to 1."),
        ("quota_texts", "-5", "Ensure this value is greater than or equal to 0."),
        ("quota_tokens", str(2**63), f"Ensure this value is less than or equal to {2**63 - 1}."),
    ],
)
def test_what_is_no_sound_plan_is_told_beside_its_field(
    cast: Cast, field: str, value: str, told: str
) -> None:
    operator = client_of(make_user("operator@example.com", is_operator=True))
    plan = {"slug": "gold", "name": "Gold", "weight": "2", "burst": "9", "quota_period": "day"}
    limits = {"tenant": str(cast.acme.tenant.id)}
    for page, sound in (("plan", plan), ("tenantlimits", limits)):
        refused = operator.post(f"/admin/usage/{page}/add/", {**sound, field: value})
        assert refused.status_code == 200
        assert refused.context["adminform"].form.errors == {field: [told]}
        assert f"{page}_{field}" not in refused.content.decode()
    with operator_scope():
        assert not TenantLimits.objects.exists()


def test_the_console_is_for_staff(cast: Cast) -> None:
    for page in ("plan", "tenantlimits"):
        assert cast.acme.client().get(f"/admin/usage/{page}/").status_code == 302  # to its sign-in


def test_a_tenant_cannot_change_its_own_limits(cast: Cast) -> None:
    with tenant_scope(cast.acme.tenant.id), pytest.raises(ProgrammingError, match="row-level security"):
        TenantLimits(tenant=cast.acme.tenant, quota_texts=10).save(force_insert=True)
