"""A list asks the database as often for many rows as for few: what its rows point at is loaded with them."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.catalog.models import AdapterVersion, Domain, PrivateLeaf, Task
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import Contribution, DomainJob, DomainJobKind
from portal.serving.models import Deployment, DeploymentState, Trial, TrialKind, TrialState
from portal.tenants.models import Invitation, Membership, Tenant, User
from portal.training.models import JobState
from tests.fakes.portal import (
    Cast,
    make_dataset,
    make_general,
    make_import,
    make_job,
    make_key,
    make_task,
    make_user,
    make_version,
)
from tests.portal.api.operations import operations
from tests.portal.api.things import MAKERS, make_delivery

pytestmark = pytest.mark.database
FEW, MANY = 2, 6


def _slug() -> str:
    return uuid4().hex[:8]


def _user() -> User:
    return make_user(f"{uuid4().hex}@example.com")


def _task_at_work(tenant: Tenant) -> None:
    task = make_task(tenant, _slug())
    make_job(task, make_dataset(tenant))
    live = _version(task)
    _deployment(task, live, DeploymentState.ACTIVE)
    _trial(task, live, TrialState.RUNNING)


def _version(task: Task) -> AdapterVersion:
    with tenant_scope(task.tenant_id):
        number = AdapterVersion.objects.for_tenant(task.tenant).filter(task=task).count() + 1
    version = make_version(task, number=number, dataset=make_dataset(task.tenant))
    with tenant_scope(task.tenant_id):
        assert version.dataset is not None
        PrivateLeaf(
            tenant=task.tenant,
            version=version,
            dataset_id=version.dataset.pk,
            uri=f"leaves/{version.pk}",
            digest=version.bundle_digest,
            num_bytes=1,
        ).save()
    return version


def _deployment(task: Task, version: AdapterVersion, state: DeploymentState) -> None:
    with tenant_scope(task.tenant_id):
        Deployment(tenant=task.tenant, task=task, version=version, state=state, created_by=_user()).save()


def _trial(task: Task, against: AdapterVersion, state: TrialState) -> None:
    version = _version(task)
    with tenant_scope(task.tenant_id):
        Trial(
            tenant=task.tenant,
            task=task,
            version=version,
            against=against,
            kind=TrialKind.SHADOW,
            share=1,
            is_automatic=False,
            min_texts=50,
            min_agreement=0.9,
            state=state,
            created_by=_user(),
        ).save()


def _finished_job(task: Task) -> None:
    version = _version(task)
    assert version.training_job_id is not None
    job = make_job(task, make_dataset(task.tenant), id=version.training_job_id, state=JobState.SUCCEEDED)
    assert job.pk == version.training_job_id


def _update(task: Task) -> None:
    tree = _version(task).tree_version
    with tenant_scope(task.tenant_id):
        DomainJob(
            tenant=task.tenant,
            domain=task.domain,
            does=DomainJobKind.UPDATE,
            state=JobState.SUCCEEDED,
            tree=tree,
            brings_back=tree,
        ).save()


def _member(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Membership(tenant=tenant, user=_user(), role="viewer").save()


def _invitation(tenant: Tenant) -> None:
    identifier = MAKERS["invitation"](tenant)
    with tenant_scope(tenant.id):
        Invitation.objects.for_tenant(tenant).filter(pk=identifier).update(invited_by=_user())


def _domain(tenant: Tenant) -> Domain:
    """Below a shared one of its own, which tenants do not make."""
    with operator_scope():
        shared = Domain(tenant=None, name="Shared", slug=_slug())
        shared.save()
    with tenant_scope(tenant.id):
        own = Domain(tenant=tenant, name="Own", slug=_slug(), parent=shared)
        own.save()
    return own


def _contribution(tenant: Tenant) -> None:
    shared, dataset = _domain(tenant).parent, make_dataset(tenant)
    assert shared is not None
    with tenant_scope(tenant.id):
        Contribution(tenant=tenant, domain=shared, dataset=dataset, granted_by="test").save()


OF_TENANT: dict[str, Callable[[Tenant], object]] = {
    "tenants_tasks_get": _task_at_work,
    "tenants_keys_get": lambda tenant: make_key(tenant, task=make_task(tenant, _slug())),
    "tenants_members_get": _member,
    "tenants_invitations_get": _invitation,
    "tenants_datasets_get": MAKERS["dataset"],
    "tenants_uploads_get": MAKERS["upload"],
    "tenants_domains_get": _domain,
    "tenants_contributions_get": _contribution,
    "tenants_deletions_get": MAKERS["deletion"],
    "tenants_webhooks_get": MAKERS["webhook"],
}
OF_TASK: dict[str, Callable[[Task], object]] = {
    "tenants_tasks_versions_get": _version,
    "tenants_tasks_deployments_get": lambda task: _deployment(
        task, _version(task), DeploymentState.SUPERSEDED
    ),
    "tenants_tasks_trials_get": lambda task: _trial(task, _version(task), TrialState.ENDED),
    "tenants_tasks_trainings_get": _finished_job,
    "tenants_tasks_imports_get": lambda task: make_import(task, state=JobState.SUCCEEDED),
    "tenants_domains_trees_get": _version,
    "tenants_domains_updates_get": _update,
}

DELIVERIES = "tenants_webhooks_deliveries_get"
WITHOUT_RELATIONS = {"tenants_audit_get", "tenants_datasets_versions_get", "tenants_trainings_events_get"}
"""Lists whose rows say nothing of other rows; the versions of a dataset are shaped as datasets are."""


def test_every_list_is_counted_here() -> None:
    lists = {
        operation.name
        for operation in operations()
        if any(parameter["name"] == "page" for parameter in operation.spec.get("parameters", []))
    }
    assert lists == {*OF_TENANT, *OF_TASK, DELIVERIES, *WITHOUT_RELATIONS}


@pytest.mark.parametrize("name", OF_TENANT)
def test_a_list_of_a_tenant_has_as_many_queries_for_many_rows(cast: Cast, name: str) -> None:
    make_general()
    _compare(cast, name, {}, lambda: OF_TENANT[name](cast.acme.tenant))


@pytest.mark.parametrize("name", OF_TASK)
def test_a_list_of_a_task_has_as_many_queries_for_many_rows(cast: Cast, name: str) -> None:
    make_general()
    task = make_task(cast.acme.tenant)
    _compare(cast, name, {"task": task.slug, "domain": task.domain.slug}, lambda: OF_TASK[name](task))


def test_deliveries_have_as_many_queries_for_many_rows(cast: Cast) -> None:
    webhook = MAKERS["webhook"](cast.acme.tenant)
    _compare(cast, DELIVERIES, {"webhook": webhook}, lambda: make_delivery(cast.acme.tenant, webhook))


def _compare(cast: Cast, name: str, values: dict[str, str], make: Callable[[], object]) -> None:
    [operation] = [operation for operation in operations() if operation.name == name]
    client = cast.acme.client()
    counted = {}
    num_rows = {}
    for number in (FEW, MANY):
        for _ in range(number):
            make()
        with CaptureQueriesContext(connection) as queries:
            answer = operation.request(client, "acme", values)
        assert answer.status_code == 200, answer.content
        counted[number], num_rows[number] = len(queries), len(answer.json()["results"])
    assert num_rows[MANY] >= num_rows[FEW] + MANY
    assert counted[FEW] == counted[MANY]
