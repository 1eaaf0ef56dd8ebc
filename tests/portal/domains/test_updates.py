"""Updates of domains: who moves, who is held and for how long; consent and the k rule reach the job file."""

from pathlib import Path

import pytest

from portal.catalog.models import Task
from portal.common.errors import AlreadyExists, Conflict
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.job_files import served_tree
from portal.domains.models import DomainJob, HeldTask, OperatorSegment
from portal.domains.reconcile import reconcile
from portal.domains.services import contribution_grant, domain_update_request, gate_consent_set
from portal.serving.models import Deployment
from portal.tenants.actors import OPERATOR
from portal.training.models import JobState
from tests.fakes.portal import Cast, digest, make_general, make_task
from tests.portal.domains.world import Worker, deployed, learn, shared_domain, store, trees, under, verified

pytestmark = pytest.mark.database


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    make_general()
    return Worker(tmp_path)


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    return make_task(cast.acme.tenant)


def update(task: Task, worker: Worker) -> DomainJob:
    with tenant_scope(task.tenant_id):
        job = domain_update_request(domain=task.domain, acting=OPERATOR)
    worker.work()
    with operator_scope():
        done: DomainJob = DomainJob.objects.unscoped().get(pk=job.pk)
        return done


def agree(task: Task) -> None:
    with tenant_scope(task.tenant_id):
        gate_consent_set(task=task, is_given=True, acting=OPERATOR)


def tree_served(task: Task) -> str:
    with operator_scope():
        return served_tree(Deployment.objects.unscoped().get(task=task, state="active")).digest


def test_a_task_that_does_not_lose_follows_the_new_tree(task: Task, worker: Worker) -> None:
    first, second = learn(task, 1), learn(task, 2)
    deployed(first)
    agree(task)
    done = update(task, worker)
    assert done.state == JobState.SUCCEEDED, done.error
    new = trees(task.domain)[-1]
    assert done.tree_id == new.pk
    assert tree_served(task) == new.digest
    (job,) = worker.jobs()
    assert {one["dataset_id"] for one in job["contributions"]} == {
        str(first.dataset_id),
        str(second.dataset_id),
    }
    (gated,) = job["tasks"]
    assert gated["rows"] == list(range(1, 201)), "at most 200 held-out rows"
    assert gated["tree"]["digest"] == first.tree_version.digest
    assert job["tree_before"]["digest"] == second.tree_version.digest
    assert new.coverage["diff"]["rows_added"] == {"trigram": 2, "unigram": 1}


def test_at_most_the_last_tree_stays_live_beside_the_new_one(task: Task, worker: Worker) -> None:
    versions = [learn(task, number) for number in (1, 2, 3)]
    deployed(versions[0])
    agree(task)
    update(task, worker)
    live = [tree.digest for tree in trees(task.domain) if tree.retired_at is None]
    assert live == [versions[2].tree_version.digest, trees(task.domain)[-1].digest]


@pytest.mark.parametrize("agrees", [True, False])
def test_a_task_that_loses_or_cannot_be_tried_stays_for_a_bounded_time(
    task: Task, worker: Worker, agrees: bool
) -> None:
    version = learn(task, 1)
    learn(task, 2)
    deployed(version)
    worker.options = ("--loses",)
    if agrees:
        agree(task)
    update(task, worker)
    assert (worker.jobs()[0]["tasks"][0]["rows"] == []) is not agrees
    assert tree_served(task) == version.tree_version.digest
    worker.round()
    assert tree_served(task) == version.tree_version.digest
    with operator_scope():
        held = HeldTask.objects.unscoped().get()
        assert held.verdict["moves"] is False
        HeldTask.objects.unscoped().update(until="2020-01-01T00:00:00Z")
    reconcile(store())
    assert tree_served(task) == trees(task.domain)[-1].digest
    with operator_scope():
        assert not HeldTask.objects.unscoped().exists()


def test_one_update_at_a_time(task: Task) -> None:
    with tenant_scope(task.tenant_id):
        domain_update_request(domain=task.domain, acting=OPERATOR)
        with pytest.raises(Conflict):
            domain_update_request(domain=task.domain, acting=OPERATOR)


def test_an_update_done_again_makes_no_second_tree(task: Task, worker: Worker) -> None:
    learn(task, 1)
    update(task, worker)
    number = len(trees(task.domain))
    update(task, worker)
    assert len(trees(task.domain)) == number
    uris = {job["tree_out_uri"] for job in worker.jobs()}
    assert len(uris) == 1


def test_only_consenting_verified_tenants_reach_a_shared_domain(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    mine, theirs = make_task(cast.acme.tenant), make_task(cast.globex.tenant)
    version, other = learn(mine, 1), learn(theirs, 1)
    learn(mine, 2)  # of which acme has said nothing
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
    for one in (version, other):
        with tenant_scope(one.tenant_id):
            assert one.dataset is not None
            contribution_grant(domain=press, dataset=one.dataset, acting=OPERATOR)
            with pytest.raises(AlreadyExists):
                contribution_grant(domain=press, dataset=one.dataset, acting=OPERATOR)
    verified(cast.acme.tenant)  # and globex is not
    with operator_scope():
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    (job,) = worker.jobs()
    assert job["is_shared"] is True
    assert job["min_tenants"] == 3
    assert [(one["tenant_id"], one["digest"]) for one in job["contributions"]] == [
        (None, digest("0")),
        (str(cast.acme.tenant.pk), worker_segment(version)),
    ]
    (tree,) = trees(press)
    assert tree.tenant_id is None
    assert [one["dataset"] for one in tree.segments] == [str(version.dataset_id)]
    assert tree.uri.startswith(f"domains/{press.pk}/trees/")


def worker_segment(version: object) -> str:
    from portal.catalog.models import AdapterVersion, Segment

    assert isinstance(version, AdapterVersion)
    with operator_scope():
        return Segment.objects.unscoped().get(dataset=version.dataset).digest


def test_a_domain_follows_the_shared_one_above_it(cast: Cast, task: Task, worker: Worker) -> None:
    press = shared_domain()
    under(task, press)
    version = learn(task, 1)
    deployed(version)
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    agree(task)
    update(task, worker)
    new = trees(task.domain)[-1]
    assert new.parent_id == trees(press)[0].pk
    assert tree_served(task) == new.digest


def test_a_segment_that_waits_for_a_day_is_taken_up_by_itself(task: Task, worker: Worker) -> None:
    from portal.catalog.models import Segment, TreeVersion

    learn(task, 1)
    with operator_scope():
        TreeVersion.objects.unscoped().filter(domain=task.domain).update(segments=[])
        reconcile(store())
        updates = DomainJob.objects.unscoped().filter(does="update")
        assert not updates.exists()
        Segment.objects.unscoped().update(created_at="2020-01-01T00:00:00Z")
        reconcile(store())
        assert updates.get().domain_id == task.domain_id


def test_every_ready_dataset_is_measured_once(task: Task, worker: Worker) -> None:
    version = learn(task, 1)
    worker.round()
    worker.round()
    with operator_scope():
        job = DomainJob.objects.unscoped().get(does="suggest")
    assert (job.dataset_id, job.state) == (version.dataset_id, JobState.SUCCEEDED)
    assert job.result is not None
    assert job.result["best"] == str(task.domain_id)
