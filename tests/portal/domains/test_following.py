"""Who is held on an older tree and how long, who hears of it, and how many trees of a domain are live."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from portal.catalog.models import AdapterVersion, Backbone, Domain, Task, TreeVersion
from portal.catalog.selectors import tree_newest
from portal.catalog.services import general_tree_register, shared_domain_change
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.job_work import UpdateWork
from portal.domains.models import DomainJob, OperatorSegment
from portal.domains.reconcile import reconcile
from portal.domains.services import domain_bring_back_request, domain_update_request, gate_consent_set
from portal.serving.models import Deployment, HeldTask
from portal.serving.selectors import served_tree
from portal.serving.services import deploy, undeploy
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Role, Tenant
from portal.training.models import UNFINISHED, JobState
from portal.webhooks.models import WebhookEvent
from tests.fakes.portal import (
    Cast,
    digest,
    make_backbone,
    make_general,
    make_task,
    make_trial,
    make_webhook,
)
from tests.portal.domains.world import Worker, delete, deployed, learn, shared_domain, store, trees, under
from wire.ids import BundleUri, Digest
from wire.training import PublishedBundle

pytestmark = pytest.mark.database


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    return make_task(cast.acme.tenant)


def another(task: Task, slug: str) -> Task:
    """One more task in the same domain."""
    with tenant_scope(task.tenant_id):
        made = Task(tenant=task.tenant, domain=task.domain, name=slug, slug=slug, labels=task.labels)
        made.save()
    return made


def agree(*tasks: Task) -> None:
    for task in tasks:
        with tenant_scope(task.tenant_id):
            gate_consent_set(task=task, is_given=True, acting=OPERATOR)


def update(domain: Domain, worker: Worker) -> DomainJob:
    with operator_scope():
        job = domain_update_request(domain=domain, acting=OPERATOR)
    worker.work()
    with operator_scope():
        done: DomainJob = DomainJob.objects.unscoped().get(pk=job.pk)
    assert done.state == JobState.SUCCEEDED, done.error
    return done


def live(domain: Domain) -> list[str]:
    return [tree.digest for tree in trees(domain) if tree.retired_at is None]


def tree_of(task: Task) -> TreeVersion:
    with operator_scope():
        return served_tree(Deployment.objects.unscoped().get(task=task, state="active"))


def held(task: Task) -> HeldTask | None:
    with operator_scope():
        return HeldTask.objects.unscoped().filter(deployment__task=task).first()


def until(task: Task) -> datetime | None:
    found = held(task)
    return None if found is None else found.until


def time_goes_by(days: float) -> None:
    """As far as holds see."""
    with operator_scope():
        for one in HeldTask.objects.unscoped():
            one.until -= timedelta(days=days)
            one.save()


def told(type: str) -> list[dict[str, Any]]:
    with operator_scope():
        return [event.data for event in WebhookEvent.objects.unscoped().filter(type=type).order_by("pk")]


def test_what_an_update_made_is_the_newest_whatever_clocks_say(task: Task, worker: Worker) -> None:
    """The machine that registered the tree before was ahead, or this one's clock was put back."""
    learn(task, 1)
    ahead = learn(task, 2).tree_version
    agree(task)
    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=ahead.pk).update(
            created_at=timezone.now() + timedelta(hours=1)
        )
    version = learn(task, 3)
    deployed(version)
    made = update(task.domain, worker).tree_id
    with operator_scope():
        newest = tree_newest(domain=task.domain, backbone=make_backbone())
    assert newest is not None and newest.pk == made == tree_of(task).pk


@pytest.mark.parametrize("agrees", [True, False])
def test_later_updates_do_not_put_off_the_end_of_a_hold(task: Task, worker: Worker, agrees: bool) -> None:
    make_webhook(task.tenant)
    version = learn(task, 1)
    learn(task, 2)
    deployed(version)
    worker.options = ("--loses",)
    if agrees:
        agree(task)
    update(task.domain, worker)
    first = until(task)
    assert first is not None and timedelta(days=6.9) < first - timezone.now() < timedelta(days=7.1)
    learn(task, 3)
    update(task.domain, worker)
    assert until(task) == first
    assert tree_of(task).pk == version.tree_version_id
    standing = held(task)
    assert standing is not None and standing.tree_id == trees(task.domain)[-1].pk, "it follows the newest"
    time_goes_by(8)
    learn(task, 4)
    update(task.domain, worker)
    assert tree_of(task).pk == trees(task.domain)[-1].pk, "whatever its canaries say"
    assert held(task) is None
    (begun,), (ended,) = told("deployment.held"), told("deployment.moved")
    assert begun["reason"] == ("loses" if agrees else "untried")
    assert (begun["task"], begun["version"], begun["until"]) == ("news", 1, first.isoformat())
    assert begun["old_tree"] == ended["old_tree"] == version.tree_version.digest
    assert (begun["accuracy_old"], begun["accuracy_new"]) == ((0.9, 0.8) if agrees else (None, None))
    assert begun["metric"] == ("accuracy" if agrees else None)
    assert (ended["reason"], ended["new_tree"]) == ("time_over", trees(task.domain)[-1].digest)


def test_a_hold_ends_by_itself_and_is_told(task: Task, worker: Worker) -> None:
    make_webhook(task.tenant)
    version = learn(task, 1)
    learn(task, 2)
    deployed(version)
    agree(task)
    worker.options = ("--loses",)
    update(task.domain, worker)
    reconcile(store())
    assert tree_of(task).pk == version.tree_version_id
    time_goes_by(7.01)
    reconcile(store())
    assert tree_of(task).pk == trees(task.domain)[-1].pk
    (ended,) = told("deployment.moved")
    assert (ended["reason"], ended["accuracy_old"], ended["accuracy_new"]) == ("time_over", 0.9, 0.8)
    assert ended["num_rows"] == 200
    reconcile(store())
    assert len(told("deployment.moved")) == 1


def test_a_hold_ends_with_a_tree_that_the_gate_accepts(task: Task, worker: Worker) -> None:
    make_webhook(task.tenant)
    deployed(learn(task, 1))
    learn(task, 2)
    agree(task)
    worker.options = ("--loses",)
    update(task.domain, worker)
    worker.options = ()
    learn(task, 3)
    update(task.domain, worker)
    assert held(task) is None
    assert tree_of(task).pk == trees(task.domain)[-1].pk
    assert [one["reason"] for one in told("deployment.moved")] == ["accepted"]


def test_a_task_that_was_not_held_follows_without_a_word(task: Task, worker: Worker) -> None:
    make_webhook(task.tenant)
    deployed(learn(task, 1))
    learn(task, 2)
    agree(task)
    update(task.domain, worker)
    assert tree_of(task).pk == trees(task.domain)[-1].pk
    assert told("deployment.held") == told("deployment.moved") == []


def test_two_trees_are_live_after_an_update_however_many_tasks_lose(task: Task, worker: Worker) -> None:
    make_webhook(task.tenant)
    tasks = [task, another(task, "mood"), another(task, "tone")]
    for one in tasks:
        deployed(learn(one, 1))
    agree(*tasks)
    worker.options = ("--loses",)
    for number in (2, 3):
        learn(task, number)
        update(task.domain, worker)
        standing = live(task.domain)
        assert len(standing) == 2
        assert {tree_of(one).digest for one in tasks} <= set(standing)
        assert all((held(one) is not None) is (tree_of(one).digest == standing[0]) for one in tasks)
    assert [one["reason"] for one in told("deployment.moved")] == ["no_room"] * 4, "two tasks, two updates"
    assert len(told("deployment.held")) == 1, "two had to go at once"
    assert held(tasks[2]) is not None, "what was promised is kept"
    assert len({one["task"] for one in told("deployment.held") + told("deployment.moved")}) == 3


def test_the_older_tree_that_is_kept_is_that_of_who_loses(task: Task, worker: Worker) -> None:
    """Of one whose leaving costs something that was measured, not of the newer one that was not tried."""
    loses, untried = task, another(task, "mood")
    older, newer = learn(loses, 1), learn(untried, 1)
    deployed(older), deployed(newer)
    learn(loses, 2)
    agree(loses)
    worker.options = ("--loses",)
    update(task.domain, worker)
    assert tree_of(loses).pk == older.tree_version_id
    assert tree_of(untried).pk == trees(task.domain)[-1].pk
    assert newer.tree_version.digest not in live(task.domain)


def test_trees_of_trainings_that_nothing_serves_go(task: Task, worker: Worker) -> None:
    versions = [learn(task, number) for number in range(1, 6)]
    deployed(versions[1])
    reconcile(store())
    assert live(task.domain) == [versions[1].tree_version.digest, versions[4].tree_version.digest]
    gone = trees(task.domain)[0]
    assert gone.replaced_by_id == versions[4].tree_version_id, "a roll-back to it serves on the newest"
    with operator_scope():
        assert not DomainJob.objects.unscoped().filter(does="update").exists()


def test_a_tree_on_trial_stays_until_an_update(task: Task, worker: Worker) -> None:
    versions = [learn(task, number) for number in range(1, 5)]
    deployed(versions[0])
    with tenant_scope(task.tenant_id):
        make_trial(versions[1])
    reconcile(store())
    first, second, _, newest = (version.tree_version.digest for version in versions)
    assert live(task.domain) == [first, second, newest]
    worker.work()
    assert len(live(task.domain)) == 2


def test_trees_that_are_served_go_with_the_update_that_is_asked_for(task: Task, worker: Worker) -> None:
    """Trainings add trees between updates: no more live than two and those that tasks serve on."""
    tasks = [task, another(task, "mood"), another(task, "tone")]
    versions = [learn(one, 1) for one in tasks]
    for version in versions:
        deployed(version)
    newest = learn(task, 2)
    agree(*tasks)
    reconcile(store())
    assert live(task.domain) == [one.tree_version.digest for one in (*versions, newest)]
    with operator_scope():
        asked = DomainJob.objects.unscoped().get(does="update", state__in=UNFINISHED)
    assert asked.domain_id == task.domain_id
    learn(task, 3)
    reconcile(store())
    assert len(live(task.domain)) == 5, "the update is under way, and may read any of them"
    worker.work()
    assert len(live(task.domain)) == 2
    assert {tree_of(one).pk for one in tasks} == {trees(task.domain)[-1].pk}
    worker.round()
    with operator_scope():
        assert DomainJob.objects.unscoped().filter(does="update").count() == 1, "that was all"


def test_a_training_that_ends_under_an_update_makes_it_begin_anew(
    task: Task, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(learn(task, 1))
    agree(task)
    check, late = UpdateWork.check, list[AdapterVersion]()

    def learning(self: UpdateWork, *given: object) -> None:
        check(self, *given)  # type: ignore[arg-type]
        monkeypatch.setattr(UpdateWork, "check", check)
        late.append(learn(task, 2))

    monkeypatch.setattr(UpdateWork, "check", learning)
    with operator_scope():
        domain_update_request(domain=task.domain, acting=OPERATOR)
    for _ in range(2):
        worker.work()
    newest = trees(task.domain)[-1]
    assert {one["dataset"] for one in newest.segments} == {
        str(version.dataset_id) for version in (late[0], *_versions(task, 1))
    }
    assert tree_of(task).pk == newest.pk


def test_a_version_that_is_deployed_under_an_update_is_not_judged_by_the_others_rows(
    task: Task, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed(learn(task, 1))
    second = learn(task, 2)
    learn(task, 3)
    agree(task)
    check = UpdateWork.check

    def deploying(self: UpdateWork, *given: object) -> None:
        check(self, *given)  # type: ignore[arg-type]
        with tenant_scope(task.tenant_id):
            deploy(version=second, acting=OPERATOR)

    monkeypatch.setattr(UpdateWork, "check", deploying)
    update(task.domain, worker)
    standing = held(task)
    assert standing is not None and (standing.reason, standing.verdict) == ("untried", {})
    assert tree_of(task).pk == second.tree_version_id


def _versions(task: Task, number: int) -> list[AdapterVersion]:
    with operator_scope():
        return list(AdapterVersion.objects.unscoped().filter(task=task, number=number))


def test_a_task_held_below_a_shared_domain_is_not_updated_without_end(
    cast: Cast, task: Task, worker: Worker
) -> None:
    press = shared_domain()
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
    update(press, worker)
    under(task, press)
    deployed(learn(task, 1, above=trees(press)[0]))
    agree(task)
    worker.options = ("--loses",)
    for letter in ("1", "2"):
        with operator_scope():
            OperatorSegment(domain=press, uri=f"domains/press.segment-{letter}", digest=digest(letter)).save()
        update(press, worker)
    for _ in range(4):
        worker.round()
    assert held(task) is not None
    with operator_scope():
        own = DomainJob.objects.unscoped().filter(domain=task.domain, does="update")
        assert own.count() == 1
    assert len(live(press)) == len(live(task.domain)) == 2


def test_a_tree_made_again_is_the_newest_again(cast: Cast, worker: Worker) -> None:
    """As when the operator changes K and changes it back."""
    press = shared_domain()
    for letter in ("0", "1"):
        with operator_scope():
            OperatorSegment(domain=press, uri=f"domains/press.segment-{letter}", digest=digest(letter)).save()
        update(press, worker)
    first, second = (tree.digest for tree in trees(press))
    with operator_scope():
        OperatorSegment.objects.filter(digest=digest("1")).delete()
        shared_domain_change(domain=press, name="Press", min_tenants=4, acting=OPERATOR)
    update(press, worker)
    assert [tree.digest for tree in trees(press)] == [second, first]
    assert live(press) == [second, first]


def test_a_third_general_tree_replaces_the_first(cast: Cast, task: Task, worker: Worker) -> None:
    make_webhook(cast.acme.tenant)
    first = make_general()
    with tenant_scope(task.tenant_id):
        root = Task(tenant=task.tenant, domain=first.domain, name="Root", slug="root")
        root.save()
    version = learn(task, 1)
    deployed(version)
    deployed(_on(root, first))
    for letter in ("1", "2"):
        _general(letter)
        reconcile(store())
        worker.work()
    second, third = live(first.domain)
    assert (second, third) == (digest("1"), digest("2"))
    assert tree_of(root).digest == third
    assert [(one["task"], one["reason"]) for one in told("deployment.moved")] == [("root", "no_room")]
    worker.round()
    newest = trees(task.domain)[-1]
    with operator_scope():
        assert TreeVersion.objects.unscoped().get(pk=newest.pk).parent_id == trees(first.domain)[-1].pk


def _on(task: Task, tree: TreeVersion) -> AdapterVersion:
    with tenant_scope(task.tenant_id):
        version = AdapterVersion(
            tenant=task.tenant,
            task=task,
            number=1,
            backbone=make_backbone(),
            tree_version=tree,
            bundle_uri="v/root",
            bundle_digest=digest("7"),
            num_bytes=1,
            training_job_id=tree.pk,
        )
        version.save()
    return version


def _general(letter: str) -> TreeVersion:
    bundle = PublishedBundle(BundleUri(f"trees/general-{letter}"), Digest(digest(letter)), 10)
    with operator_scope():
        backbone = Backbone.objects.get(is_default=True)
        return general_tree_register(backbone=backbone, bundle=bundle, coverage={})


def test_deploying_and_undeploying_end_a_hold(task: Task, worker: Worker) -> None:
    deployed(learn(task, 1))
    second = learn(task, 2)
    worker.options = ("--loses",)
    update(task.domain, worker)
    assert held(task) is not None
    with tenant_scope(task.tenant_id):
        deploy(version=second, acting=OPERATOR)
    assert held(task) is None
    learn(task, 3)
    update(task.domain, worker)
    assert held(task) is not None
    with tenant_scope(task.tenant_id):
        undeploy(task=task, acting=OPERATOR)
    assert held(task) is None


def test_forgetting_moves_a_held_task_at_once_and_tells_it(task: Task, worker: Worker) -> None:
    make_webhook(task.tenant)
    first = learn(task, 1)
    deployed(learn(task, 2))
    learn(task, 3)
    worker.options = ("--loses",)
    update(task.domain, worker)
    assert held(task) is not None and first.dataset is not None
    delete(first.dataset)
    for _ in range(3):
        worker.round()
    assert held(task) is None
    assert tree_of(task).pk == trees(task.domain)[-1].pk
    assert [one["reason"] for one in told("deployment.moved")] == ["text_deleted"]


def test_the_tasks_page_tells_why_until_when_and_what_it_costs(
    cast: Cast, task: Task, worker: Worker
) -> None:
    path, client = f"{cast.acme.path}/tasks/news", cast.acme.client(Role.VIEWER)
    version = learn(task, 1)
    learn(task, 2)
    deployed(version)
    assert client.get(path).json()["hold"] is None
    agree(task)
    worker.options = ("--loses",)
    update(task.domain, worker)
    hold = client.get(path).json()["hold"]
    assert client.get(f"{cast.acme.path}/tasks").json()["results"][0]["hold"] == hold
    since, over = (datetime.fromisoformat(hold.pop(name)) for name in ("since", "until"))
    assert timedelta(days=6.9) < over - since <= timedelta(days=7)
    assert hold == {
        "reason": "loses",
        "old_tree": version.tree_version.digest,
        "new_tree": trees(task.domain)[-1].digest,
        "num_rows": 200,
        "metric": "accuracy",
        "accuracy_old": 0.9,
        "accuracy_new": 0.8,
    }
    _nobody_elses(cast)


def _nobody_elses(cast: Cast) -> None:
    """Of the same slug: another tenant's task says nothing of acme's."""
    theirs = make_task(cast.globex.tenant)
    deployed(learn(theirs, 1))
    stranger = cast.globex.client()
    assert stranger.get(f"{cast.acme.path}/tasks/news").status_code == 404
    assert stranger.get(f"{cast.globex.path}/tasks/news").json()["hold"] is None
    assert cast.acme.client().get(f"{cast.acme.path}/tasks/news").json()["hold"] is not None


def test_a_task_in_a_shared_domain_is_told_of_its_own_hold_alone(cast: Cast, worker: Worker) -> None:
    press = shared_domain()
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0")).save()
    update(press, worker)
    ours, theirs = (_in(press, member.tenant) for member in (cast.acme, cast.globex))
    make_webhook(cast.acme.tenant)
    worker.options = ("--loses",)
    with operator_scope():
        OperatorSegment(domain=press, uri="domains/press.segment-2", digest=digest("1")).save()
    update(press, worker)
    first, second = live(press)
    for member, task in ((cast.acme, ours), (cast.globex, theirs)):
        hold = member.client().get(f"{member.path}/tasks/{task.slug}").json()["hold"]
        assert (hold["reason"], hold["old_tree"], hold["new_tree"]) == ("untried", first, second)
        assert (hold["num_rows"], hold["accuracy_old"]) == (0, None)
    assert [one["task"] for one in told("deployment.held")] == ["acme-press"], "each tenant hears of its own"


def _in(domain: Domain, tenant: Tenant) -> Task:
    with tenant_scope(tenant.pk):
        task = Task(tenant=tenant, domain=domain, name="Press", slug=f"{tenant.slug}-press")
        task.save()
    with operator_scope():
        newest = TreeVersion.objects.unscoped().filter(domain=domain).latest("created_at")
        version = AdapterVersion(
            tenant=tenant,
            task=task,
            number=1,
            backbone=make_backbone(),
            tree_version=newest,
            bundle_uri=f"v/{tenant.slug}",
            bundle_digest=digest("7"),
            num_bytes=1,
            training_job_id=task.pk,
        )
        version.save()
    deployed(version)
    return task


def test_one_that_was_brought_back_shows_the_figures_of_either_tree(
    cast: Cast, task: Task, worker: Worker
) -> None:
    make_webhook(task.tenant)
    deployed(learn(task, 1))
    learn(task, 2)
    agree(task)
    update(task.domain, worker)
    before, newest = live(task.domain)
    with tenant_scope(task.tenant_id):
        domain_bring_back_request(domain=task.domain, acting=OPERATOR)
    worker.work()
    hold = cast.acme.client().get(f"{cast.acme.path}/tasks/news").json()["hold"]
    assert (hold["reason"], hold["old_tree"], hold["new_tree"]) == ("brought_back", before, newest)
    # The gate went from the newest (0.9) to the one before it (0.8).
    assert (hold["accuracy_old"], hold["accuracy_new"]) == (0.8, 0.9)
    (begun,) = told("deployment.held")
    assert (begun["reason"], begun["old_tree"], begun["accuracy_old"]) == ("brought_back", before, 0.8)
