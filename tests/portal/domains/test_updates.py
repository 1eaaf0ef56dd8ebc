"""Updates of domains: who moves, who is held and for how long; consent and the k rule reach the job file."""

import pytest
from pytest_django.fixtures import Settings

from portal.catalog.models import AdapterVersion, PrivateLeaf, Task, TreeVersion
from portal.catalog.services import task_create
from portal.common.errors import AlreadyExists, Conflict
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import DomainJob, OperatorSegment
from portal.domains.reconcile import reconcile
from portal.domains.selectors import contributions_of
from portal.domains.services import contribution_grant, domain_update_request, gate_consent_set
from portal.serving.models import Deployment, HeldTask
from portal.serving.selectors import served_tree
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.job_files import train_job
from portal.training.leases import job_claim
from portal.training.models import JobState, TrainingJob
from tests.fakes.portal import Cast, digest, make_dataset, make_job, make_task, make_version
from tests.portal.domains.world import Worker, deployed, learn, shared_domain, store, trees, under, verified
from wire.ids import JobId

pytestmark = pytest.mark.database


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


def test_an_inactive_tenant_contributes_no_longer(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    version = learn(make_task(cast.acme.tenant), 1)
    assert version.dataset is not None
    with tenant_scope(cast.acme.tenant.id):
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    verified(cast.acme.tenant)
    with operator_scope():
        assert len(contributions_of(press)) == 1
        Tenant.objects.filter(pk=cast.acme.tenant.pk).update(is_active=False)
        assert contributions_of(press) == ()


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


def test_a_nodes_budget_reaches_the_job_and_is_part_of_what_the_tree_is_named_for(
    task: Task, worker: Worker, settings: Settings
) -> None:
    learn(task, 1)
    made = []
    for num_bytes in (5 << 20, 6 << 20, 5 << 20):
        changes = {"node_bytes": num_bytes, "build_memory_bytes": 3 << 20}
        settings.ENV = settings.ENV.model_copy(update=changes)
        update(task, worker)
        made.append(worker.jobs()[-1])
    assert [job["max_node_bytes"] for job in made] == [5 << 20, 6 << 20, 5 << 20]
    assert {job["max_memory_bytes"] for job in made} == {3 << 20}
    five, six, five_again = (job["tree_out_uri"] for job in made)
    assert five == five_again != six


def test_a_task_in_a_shared_domain_starts_from_its_tree_and_follows_it_with_its_leaf(
    cast: Cast, worker: Worker, settings: Settings
) -> None:
    press, acme = shared_domain(), cast.acme.tenant
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    (first,) = trees(press)
    with tenant_scope(acme.pk):
        task = task_create(tenant=acme, name="Ours", slug="ours", domain_slug="press", acting=OPERATOR)
    job = make_job(task, make_dataset(acme), recipe={"leaf_mb": 1.0})
    lease = job_claim(TrainingJob, job_id=JobId(str(job.pk)), lease_s=30.0)
    assert lease is not None
    set_to = settings.ENV.model_copy(update={"node_bytes": 5 << 20, "build_memory_bytes": 3 << 20})
    settings.ENV = set_to
    made = train_job(lease)
    assert (made.max_node_bytes, made.max_memory_bytes) == (5 << 20, 3 << 20)
    assert made.is_domain_shared
    assert (made.tree_uri, made.tree_digest, made.segments) == (first.uri, first.digest, ())
    dataset = make_dataset(acme)
    version = make_version(task, dataset=dataset)
    with tenant_scope(acme.pk):
        AdapterVersion.objects.for_tenant(acme).update(tree_version=first, report={"test_rows": [1, 2, 3]})
        TreeVersion.objects.for_tenant(acme).delete()  # which the fake made for it
        PrivateLeaf(
            tenant=acme,
            version=version,
            dataset_id=dataset.pk,
            uri="v.leaf-1",
            digest="l",
            num_bytes=1,
        ).save()
    deployed(version)
    agree(task)
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-2", digest=digest("1")).save()
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    _, second = trees(press)
    assert tree_served(task) == second.digest
    (gated,) = worker.jobs()[-1]["tasks"]
    assert gated["leaf"] == {"uri": "v.leaf-1", "digest": "l"}
    assert second.coverage["verdicts"] == [], "how tenants' tasks fare is not for others"
    with operator_scope():
        done = DomainJob.objects.unscoped().filter(domain=press).latest("created_at")
    assert done.result is not None and len(done.result["verdicts"]) == 1


def test_a_shared_domain_takes_up_by_itself_what_it_may_have_now(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    version = learn(make_task(cast.acme.tenant), 1)
    with operator_scope():
        updates = DomainJob.objects.unscoped().filter(domain=press)
    with tenant_scope(version.tenant_id):
        assert version.dataset is not None
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    reconcile(store())
    with operator_scope():
        assert not updates.exists(), "acme is not verified"
    verified(cast.acme.tenant)
    worker.round()
    worker.round()
    with operator_scope():
        assert updates.count() == 1
        updates.update(created_at="2020-01-01T00:00:00Z")
    reconcile(store())
    with operator_scope():
        assert updates.count() == 1, "the newest tree has all of it"
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
    reconcile(store())
    with operator_scope():
        assert updates.count() == 2
