"""Several machines: one whose clock is minutes behind neither shortens a grace nor comes too late."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from portal.catalog.models import Domain, Task
from portal.catalog.selectors import tree_newest
from portal.catalog.services import general_tree_register, tree_register
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import DeletionRecord, DomainJob
from portal.domains.reconcile import reconcile, shared_domains_update_due
from portal.domains.services import domain_text_add, domain_update_request, tenant_forget
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import JobState
from tests.fakes.portal import Cast, digest, make_backbone, make_general, make_task
from tests.portal.domains.world import Worker, learn, shared_domain, store, trees
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle

pytestmark = pytest.mark.database


class Behind(datetime):
    """What a clock says that is ten minutes behind the database's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Behind":
        return super().now(tz) - timedelta(minutes=10)


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    return make_task(cast.acme.tenant)


@pytest.fixture
def go_behind(monkeypatch: pytest.MonkeyPatch) -> Any:
    return lambda: monkeypatch.setattr("django.utils.timezone.datetime", Behind)


def published(name: str) -> PublishedBundle:
    return PublishedBundle(BundleUri(f"trees/{name}"), Digest(digest(name)), 7)


def test_a_tree_that_was_replaced_stands_for_as_long_as_the_service_may_read_it(
    task: Task, worker: Worker, go_behind: Any
) -> None:
    for number in (1, 2, 3):
        learn(task, number)
    go_behind()
    reconcile(store())  # more trees than two
    retired = [tree for tree in trees(task.domain) if tree.retired_at is not None]
    assert retired and all(tree.destroyed_at is None for tree in trees(task.domain))


def test_a_tenants_folder_is_looked_at_until_its_programs_have_heard(cast: Cast, go_behind: Any) -> None:
    make_general()
    go_behind()
    tenant: Tenant = cast.acme.tenant
    with tenant_scope(tenant.pk):
        tenant_forget(tenant=tenant, confirm="acme", acting=OPERATOR)
    reconcile(store())
    with operator_scope():
        assert DeletionRecord.objects.unscoped().get(subject_id=tenant.pk).forgotten_at is None


def test_what_a_training_or_the_operator_registers_is_the_newest(task: Task, go_behind: Any) -> None:
    general, backbone = make_general(), make_backbone()
    learn(task, 1)
    go_behind()
    with operator_scope():
        trained = tree_register(
            domain=task.domain,
            backbone=backbone,
            bundle=published("8"),
            parent=general,
            segments=(),
            coverage={},
        )
        assert tree_newest(domain=task.domain, backbone=backbone) == trained
        for name in ("9", "a", "9"):
            again = general_tree_register(backbone=backbone, bundle=published(name), coverage={})
            assert tree_newest(domain=general.domain, backbone=backbone) == again


def test_the_operators_text_that_came_during_an_update_has_one_of_its_own(
    worker: Worker, cast: Cast, go_behind: Any
) -> None:
    make_general()
    press: Domain = shared_domain()
    with operator_scope():
        job = domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    day = timedelta(days=2)
    with operator_scope():
        done = DomainJob.objects.unscoped().get(pk=job.pk)
        assert done.state == JobState.SUCCEEDED, done.error
        DomainJob.objects.unscoped().filter(pk=job.pk).update(created_at=done.created_at - day)
    go_behind()
    with operator_scope():
        domain_text_add(domain=press, segment=published("5"), acting=OPERATOR)
        shared_domains_update_due()
        asked = DomainJob.objects.unscoped().filter(domain=press).exclude(pk=job.pk)
        assert asked.count() == 1
