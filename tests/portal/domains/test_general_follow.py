"""A new tree of the general domain: every domain is made anew on it, those above before those below."""

import pytest

from portal.catalog.models import Task, TreeVersion
from portal.catalog.services import general_tree_register
from portal.common.scope import operator_scope
from portal.domains.models import DomainJob
from portal.domains.services import domain_update_request
from portal.tenants.actors import OPERATOR
from tests.fakes.portal import Cast, digest, make_backbone, make_task
from tests.portal.domains.test_updates import agree, tree_served
from tests.portal.domains.world import Worker, deployed, learn, shared_domain, trees, under
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle

pytestmark = pytest.mark.database


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    return make_task(cast.acme.tenant)


def register(letter: str) -> TreeVersion:
    bundle = PublishedBundle(BundleUri(f"trees/general-{letter}"), Digest(digest(letter)), 10)
    backbone = make_backbone()
    with operator_scope():
        return general_tree_register(backbone=backbone, bundle=bundle, coverage={})


def num_updates() -> int:
    with operator_scope():
        return DomainJob.objects.unscoped().filter(does="update").count()


def test_a_domain_is_made_anew_on_it_once_and_its_task_follows(task: Task, worker: Worker) -> None:
    deployed(learn(task, 1))
    agree(task)
    worker.round()
    assert num_updates() == 0, "it stands on the newest"
    general = register("c")
    worker.round()
    newest = trees(task.domain)[-1]
    assert newest.parent_id == general.pk
    assert tree_served(task) == newest.digest
    worker.round()
    assert num_updates() == 1


def test_a_domain_below_another_waits_for_that_one(task: Task, worker: Worker) -> None:
    press = shared_domain()
    with operator_scope():
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    under(task, press)
    learn(task, 1, above=trees(press)[-1])
    general = register("c")
    worker.round()
    assert trees(press)[-1].parent_id == general.pk
    assert trees(task.domain)[-1].parent_id == trees(press)[0].pk, "not yet"
    worker.round()
    assert trees(task.domain)[-1].parent_id == trees(press)[-1].pk


def test_a_tree_that_is_registered_again_is_the_newest(task: Task, worker: Worker) -> None:
    first = register("c")
    register("d")
    learn(task, 1)
    assert register("c").pk == first.pk
    worker.round()
    assert trees(task.domain)[-1].parent_id == first.pk
