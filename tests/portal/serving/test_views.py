"""What the inference service's roles may see and do, and how the service hears of changes."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import class_row

from portal.catalog import selectors as catalog
from portal.catalog.models import AdapterVersion, PrivateLeaf
from portal.catalog.services import task_floor_set
from portal.common.scope import operator_scope, tenant_scope
from portal.serving.models import TrialKind
from portal.serving.services import deploy, undeploy
from portal.tenants.actors import OPERATOR
from portal.tenants.keys import secret_hash
from portal.tenants.models import ApiKey, Tenant
from portal.tenants.services import key_revoke
from portal.usage.models import Plan, TenantLimits
from portal.usage.models import UsageEvent as UsageEventRow
from portal.usage.services import plan_save, tenant_limits_save
from tests.conftest import DatabaseUrls
from tests.fakes.portal import make_backbone, make_key, make_task, make_tenant, make_trial, make_version
from wire.catalog import (
    KEYS_VIEW,
    LIMITS_VIEW,
    NOTIFY_CHANNEL,
    TASKS_VIEW,
    TRIALS_VIEW,
    USAGE_TABLE,
    KeyRow,
    LimitRow,
    Scope,
    TaskRow,
    TrialRow,
)
from wire.codec import to_plain
from wire.usage import UsageEvent

pytestmark = pytest.mark.database
committed = pytest.mark.django_db(transaction=True)  # other connections see what the test writes


@pytest.fixture
def service(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the inference service reads with."""
    with psycopg.connect(database_urls.catalog, autocommit=True) as connection:
        yield connection


@pytest.fixture
def usage_writer(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the inference service writes usage with."""
    with psycopg.connect(database_urls.usage, autocommit=True) as connection:
        yield connection


def _keys(service: psycopg.Connection[Any]) -> list[KeyRow]:
    with service.cursor(row_factory=class_row(KeyRow)) as cursor:
        return cursor.execute(f"SELECT * FROM {KEYS_VIEW}").fetchall()


def _tasks(service: psycopg.Connection[Any]) -> list[TaskRow]:
    with service.cursor(row_factory=class_row(TaskRow)) as cursor:
        return cursor.execute(f"SELECT * FROM {TASKS_VIEW} ORDER BY slug").fetchall()


def test_the_views_have_the_columns_of_the_wire_contract(service: psycopg.Connection[Any]) -> None:
    for view, row in (
        (KEYS_VIEW, KeyRow),
        (TASKS_VIEW, TaskRow),
        (TRIALS_VIEW, TrialRow),
        (LIMITS_VIEW, LimitRow),
    ):
        columns = service.execute(f"SELECT * FROM {view}").description
        assert columns is not None
        assert [column.name for column in columns] == [field.name for field in dataclasses.fields(row)]


@committed
def test_a_usable_key_is_in_the_view_and_no_other(service: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    task = make_task(tenant)
    secret = make_key(tenant, scopes=(Scope.PREDICT,), task=task, expires_in=timedelta(hours=1))
    make_key(tenant, is_revoked=True)
    make_key(tenant, expires_in=timedelta(seconds=-1))
    asleep = make_tenant("asleep")
    make_key(asleep)
    with operator_scope():
        Tenant.objects.filter(pk=asleep.pk).update(is_active=False)
    [row] = _keys(service)
    assert bytes(row.key_sha256) == secret_hash(secret)
    assert (row.tenant_id, list(row.scopes), row.task_id) == (str(tenant.id), ["predict"], str(task.id))
    assert row.expires_at is not None and row.expires_at.tzinfo is not None


@committed
def test_the_tasks_view_tells_what_serves(service: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    task = make_task(tenant, "news")
    make_task(tenant, "unserved")
    versions = [make_version(task, number=number) for number in (1, 2)]
    with tenant_scope(tenant.id):
        for version in versions:
            deploy(version=version, acting=OPERATOR)
        task_floor_set(task=task, coverage_floor=0.4, acting=OPERATOR)
    news, unserved = _tasks(service)
    assert (news.coverage_floor, unserved.coverage_floor) == (0.4, None)
    assert (news.tenant_id, news.task_id, news.slug) == (str(tenant.id), str(task.id), "news")
    assert (news.version_id, news.version_number) == (str(versions[1].id), 2)
    assert (news.bundle_uri, news.bundle_digest) == (versions[1].bundle_uri, versions[1].bundle_digest)
    tree = versions[1].tree_version
    assert (news.tree_uri, news.tree_digest) == (tree.uri, tree.digest)
    assert (unserved.slug, unserved.version_id, unserved.tree_uri) == ("unserved", None, None)


@committed
def test_the_trials_view_tells_what_is_tried_while_something_serves(service: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    task = make_task(tenant, "news")
    live, tried = (make_version(task, number=number) for number in (1, 2))
    with tenant_scope(tenant.id):
        deploy(version=live, acting=OPERATOR)
        _try_out(tried)
    with service.cursor(row_factory=class_row(TrialRow)) as cursor:
        [row] = cursor.execute(f"SELECT * FROM {TRIALS_VIEW}").fetchall()
        assert (row.task_id, row.kind, row.share) == (str(task.id), "canary", 0.25)
        assert (row.version_id, row.version_number) == (str(tried.id), 2)
        assert (row.bundle_digest, row.tree_digest) == (tried.bundle_digest, tried.tree_version.digest)
        with tenant_scope(tenant.id):
            undeploy(task=task, acting=OPERATOR)
        assert cursor.execute(f"SELECT * FROM {TRIALS_VIEW}").fetchall() == []


@committed
def test_a_version_comes_with_its_leaf_while_that_stands(service: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    task = make_task(tenant, "news")
    version = make_version(task)
    leaf = PrivateLeaf(
        tenant=tenant, version=version, dataset_id=uuid4(), uri="v/1.leaf-1", digest="sha256:1", num_bytes=9
    )
    with tenant_scope(tenant.id):
        deploy(version=version, acting=OPERATOR)
        leaf.save()
    [row] = _tasks(service)
    assert (row.leaf_uri, row.leaf_digest) == (leaf.uri, leaf.digest)
    leaf.retired_at = datetime.now(UTC)
    with tenant_scope(tenant.id):
        leaf.save()
    [row] = _tasks(service)
    assert (row.version_id, row.leaf_uri, row.leaf_digest) == (str(version.id), None, None)


def _try_out(version: AdapterVersion) -> None:
    make_trial(version, kind=TrialKind.CANARY, share=0.25, is_automatic=True, min_texts=100)


@committed
def test_the_limits_view_tells_the_plan_what_differs_and_what_is_used(
    service: psycopg.Connection[Any],
) -> None:
    acme, globex = make_tenant("acme"), make_tenant("globex")
    now = datetime.now(UTC)
    with operator_scope():
        # Tables are emptied after tests that commit: the plan of the migration may be gone.
        plan, _ = Plan.objects.update_or_create(
            slug="standard", defaults={"name": "Standard", "is_default": True, "requests_per_s": 50}
        )
        TenantLimits(tenant=acme, quota_texts=100, burst=5).save()
        for tenant, at in ((acme, now), (acme, now - timedelta(days=32)), (globex, now)):
            UsageEventRow(
                tenant_id=tenant.id,
                task_id=uuid4(),
                key_id=uuid4(),
                version_id=uuid4(),
                created_at=at,
                num_texts=7,
                num_tokens=70,
                num_truncated=0,
            ).save(force_insert=True)
    with service.cursor(row_factory=class_row(LimitRow)) as cursor:
        rows = {str(row.tenant_id): row for row in cursor.execute(f"SELECT * FROM {LIMITS_VIEW}").fetchall()}
    own, plain = rows[str(acme.id)], rows[str(globex.id)]
    assert (own.weight, own.requests_per_s, own.burst) == (1.0, 50.0, 5)
    assert (own.quota_texts, own.used_texts, own.used_tokens) == (100, 7, 70)
    assert (plain.burst, plain.quota_texts, plain.used_texts) == (plan.burst, None, 0)
    assert now < own.period_ends_at <= now + timedelta(days=31)
    assert (own.period_ends_at.day, own.period_ends_at.hour) == (1, 0)


@committed
def test_the_backbone_view_holds_the_default_one(service: psycopg.Connection[Any]) -> None:
    assert service.execute("SELECT uri, digest FROM serving_v1.backbone").fetchall() == []
    backbone = make_backbone()
    rows = service.execute("SELECT uri, digest FROM serving_v1.backbone").fetchall()
    assert rows == [(backbone.uri, backbone.digest)]


@pytest.mark.parametrize("table", ["api_key", "task", "dataset", "hmi_user", "usage_event", "audit_entry"])
def test_the_services_reader_sees_no_table(service: psycopg.Connection[Any], table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(f"SELECT * FROM public.{table}")


def test_the_services_reader_changes_nothing(service: psycopg.Connection[Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("DELETE FROM serving_v1.backbone")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute("CREATE TABLE public.mine (id int)")


@committed
def test_a_usage_event_is_inserted_once_by_id(usage_writer: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    make_key(tenant)
    with tenant_scope(tenant.id):
        key = ApiKey.objects.for_tenant(tenant).get()
    event = UsageEvent(
        id=str(uuid4()),  # type: ignore[arg-type]
        tenant_id=str(tenant.id),  # type: ignore[arg-type]
        task_id=str(uuid4()),  # type: ignore[arg-type]
        key_id=str(key.id),  # type: ignore[arg-type]
        version_id=str(uuid4()),  # type: ignore[arg-type]
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        num_texts=2,
        num_tokens=30,
        num_truncated=0,
    )
    names = ", ".join(field.name for field in dataclasses.fields(UsageEvent))
    statement = (
        f"INSERT INTO {USAGE_TABLE} ({names}) SELECT {names}"
        f" FROM jsonb_populate_recordset(NULL::{USAGE_TABLE}, %s::jsonb) ON CONFLICT DO NOTHING"
    )
    plain = {**to_plain(event), "created_at": event.created_at.isoformat()}
    for _ in range(2):
        usage_writer.execute(statement, [json.dumps([plain])])
    with tenant_scope(tenant.id):
        assert [str(row.id) for row in UsageEventRow.objects.unscoped()] == [event.id]
        key.refresh_from_db()
    assert key.last_used_at == event.created_at


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM usage_event",
        "UPDATE usage_event SET num_texts = 0",
        "DELETE FROM usage_event",
        "SELECT * FROM serving_v1.api_keys",
        "SELECT id FROM tenant",
    ],
)
def test_the_usage_writer_does_nothing_else(usage_writer: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        usage_writer.execute(statement)


def _deploy_first(tenant: Tenant) -> None:
    task = catalog.task_get(tenant=tenant, slug="news")
    deploy(version=catalog.version_get(tenant=tenant, task=task, number=1), acting=OPERATOR)


def _deploy_and_undeploy(tenant: Tenant) -> None:
    _deploy_first(tenant)
    undeploy(task=catalog.task_get(tenant=tenant, slug="news"), acting=OPERATOR)


def _deploy_and_try(tenant: Tenant) -> None:
    _deploy_first(tenant)
    task = catalog.task_get(tenant=tenant, slug="news")
    _try_out(make_version(task, number=2))


def _revoke(tenant: Tenant) -> None:
    key_revoke(tenant=tenant, key_id=ApiKey.objects.for_tenant(tenant).get().id, acting=OPERATOR)


def _limit(tenant: Tenant) -> None:
    with operator_scope():
        tenant_limits_save(limits=TenantLimits(tenant=tenant, quota_texts=1), acting=OPERATOR)


def _change_plan(_tenant: Tenant) -> None:
    with operator_scope():
        plan_save(plan=Plan(slug="slow", name="Slow", requests_per_s=1), acting=OPERATOR)


@committed
@pytest.mark.parametrize(
    "change",
    [
        _deploy_first,
        _deploy_and_undeploy,
        _deploy_and_try,
        _revoke,
        _limit,
        _change_plan,
        make_key,
        Tenant.save,
    ],
)
def test_the_service_hears_of_a_change_when_it_is_committed(
    service: psycopg.Connection[Any], change: Callable[[Tenant], object]
) -> None:
    tenant = make_tenant("acme")
    make_version(make_task(tenant))
    make_key(tenant)
    service.execute(f"LISTEN {NOTIFY_CHANNEL}")
    with tenant_scope(tenant.id):
        change(tenant)
        assert list(service.notifies(timeout=0, stop_after=1)) == []
    assert [notice.channel for notice in service.notifies(timeout=60, stop_after=1)] == [NOTIFY_CHANNEL]


@committed
def test_noting_that_a_key_was_used_is_no_news(service: psycopg.Connection[Any]) -> None:
    tenant = make_tenant("acme")
    make_key(tenant)
    service.execute(f"LISTEN {NOTIFY_CHANNEL}")
    with tenant_scope(tenant.id):
        ApiKey.objects.for_tenant(tenant).update(last_used_at=datetime(2026, 11, 22, tzinfo=UTC))
    assert list(service.notifies(timeout=0, stop_after=1)) == []
