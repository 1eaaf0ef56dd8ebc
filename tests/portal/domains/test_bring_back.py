"""Back to the tree before the newest: for a week, through the gate, never to what a deletion destroyed."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.audit.models import AuditEntry
from portal.catalog.models import AdapterVersion, Domain, Task, TreeVersion
from portal.catalog.services import shared_domain_change, task_create
from portal.common.errors import InvalidField
from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.models import Dataset
from portal.domains.models import Contribution, DomainJob, OperatorSegment
from portal.domains.reconcile import reconcile
from portal.domains.services import (
    contribution_grant,
    contribution_revoke,
    domain_bring_back_request,
    domain_update_request,
    gate_consent_set,
)
from portal.serving.models import Deployment, HeldTask
from portal.serving.selectors import served_tree
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Role, Tenant
from portal.training.models import JobState
from tests.fakes.portal import Cast, client_of, digest, make_general, make_task, make_user, make_version
from tests.portal.domains.world import (
    Worker,
    delete,
    deployed,
    learn,
    shared_domain,
    store,
    trees,
    verified,
)

pytestmark = pytest.mark.database


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    """Deployed, and moved from the tree of its training to one of two datasets."""
    task = make_task(cast.acme.tenant)
    deployed(learn(task, 1))
    learn(task, 2)
    with tenant_scope(task.tenant_id):
        gate_consent_set(task=task, is_given=True, acting=OPERATOR)
        domain_update_request(domain=task.domain, acting=OPERATOR)
    worker.work()
    assert served(task).pk == trees(task.domain)[-1].pk
    return task


def served(task: Task) -> TreeVersion:
    with operator_scope():
        return served_tree(Deployment.objects.unscoped().get(task=task, state="active"))


def before_newest(task: Task) -> TreeVersion:
    live = [tree for tree in trees(task.domain) if tree.retired_at is None]
    assert len(live) == 2
    return live[0]


def test_tasks_go_back_for_a_week_and_then_follow_again(cast: Cast, task: Task, worker: Worker) -> None:
    path = f"{cast.acme.path}/domains/news/bring-back"
    newest, before = trees(task.domain)[-1], before_newest(task)
    assert cast.acme.client(Role.VIEWER).post(path).status_code == 403
    assert cast.globex.client().post(path.replace("acme", "globex")).status_code == 404
    client = cast.acme.client(Role.DEVELOPER)
    asked = client.post(path)
    assert (asked.status_code, asked.json()["brings_back"]) == (201, before.digest)
    assert client.post(path).status_code == 409, "one at a time"
    worker.work()
    done = client.get(path.replace("bring-back", "updates")).json()["results"][0]
    assert (done["state"], done["tree_digest"]) == ("succeeded", before.digest)
    assert served(task).pk == before.pk
    assert worker.jobs()[-1]["tree_out_uri"] == before.uri
    assert [job["is_standing"] for job in worker.jobs()[-2:]] == [False, True], "nothing new is built"
    live = {tree.pk for tree in trees(task.domain) if tree.retired_at is None}
    assert live == {before.pk, newest.pk}
    with operator_scope():
        assert AuditEntry.objects.unscoped().filter(action="deployment.bring_back").count() == 1
        HeldTask.objects.unscoped().update(until="2020-01-01T00:00:00Z")
    reconcile(store())
    assert served(task).pk == newest.pk


def test_a_tree_tells_what_it_did_to_rows_coverage_and_accuracy(cast: Cast, task: Task) -> None:
    path = f"{cast.acme.path}/domains/news/trees"
    newest, *older = cast.acme.client(Role.VIEWER).get(path).json()["results"]
    assert newest["diff"]["rows_added"] == {"trigram": 2, "unigram": 1}
    (verdict,) = newest["verdicts"]
    assert (verdict["task_id"], verdict["num_rows"]) == (str(task.pk), 200)
    assert (verdict["metric"], verdict["accuracy_before"], verdict["accuracy_after"]) == (
        "accuracy",
        0.9,
        0.8,
    )
    assert {"coverage_before", "coverage_after", "p_value", "moves"} <= set(verdict)
    assert all(tree["verdicts"] == [] for tree in older), "made by trainings: nothing to compare with"
    assert cast.globex.client().get(path.replace("acme", "globex")).status_code == 404


def test_figures_that_an_older_release_told_are_not_called_a_metric(cast: Cast, task: Task) -> None:
    newest = trees(task.domain)[-1]
    with operator_scope():
        del newest.coverage["verdicts"][0]["metric"]
        newest.save(update_fields=["coverage"])
    found, *_ = cast.acme.client(Role.VIEWER).get(f"{cast.acme.path}/domains/news/trees").json()["results"]
    assert found["verdicts"][0]["metric"] == "row_quality"


def test_a_task_that_would_lose_stays(task: Task, worker: Worker) -> None:
    newest = trees(task.domain)[-1]
    worker.options = ("--loses",)
    bring_back(task)
    worker.work()
    assert served(task).pk == newest.pk
    with operator_scope():
        assert AuditEntry.objects.unscoped().filter(action="deployment.stay").count() == 1
        assert not HeldTask.objects.unscoped().exists()


def test_a_task_that_cannot_be_tried_goes_as_it_was_asked(task: Task, worker: Worker) -> None:
    before = before_newest(task)
    with tenant_scope(task.tenant_id):
        gate_consent_set(task=task, is_given=False, acting=OPERATOR)
    bring_back(task)
    worker.work()
    assert served(task).pk == before.pk


def bring_back(task: Task) -> None:
    with tenant_scope(task.tenant_id):
        domain_bring_back_request(domain=task.domain, acting=OPERATOR)


def test_there_is_nothing_to_go_back_to_after_a_deletion(cast: Cast, task: Task, worker: Worker) -> None:
    client, path = cast.acme.client(), f"{cast.acme.path}/domains/news/bring-back"
    delete(_dataset_before(task))
    refused = client.post(path)
    assert (refused.status_code, "deleted" in refused.json()["error"]["message"]) == (409, True)
    for _ in range(3):
        worker.round()
    assert client.post(path).status_code == 409
    with operator_scope():
        assert not DomainJob.objects.unscoped().exclude(brings_back=None).exists()


def _dataset_before(task: Task) -> Dataset:
    held = before_newest(task).segments[0]["dataset"]
    with operator_scope():
        return Dataset.objects.unscoped().select_related("tenant").get(pk=held)


def test_a_deletion_while_it_waits_stops_it(task: Task, worker: Worker) -> None:
    newest, before = trees(task.domain)[-1], before_newest(task)
    bring_back(task)
    delete(_dataset_before(task))
    worker.work()
    with operator_scope():
        job = DomainJob.objects.unscoped().exclude(brings_back=None).get()
    assert job.state == JobState.FAILED and job.error is not None
    assert served(task).pk == newest.pk
    for _ in range(4):
        worker.round()
    assert {tree.pk for tree in trees(task.domain) if tree.destroyed_at is None} & {
        newest.pk,
        before.pk,
    } == set()


def test_a_first_tree_has_none_and_a_shared_domain_is_not_a_tenants_to_bring_back(
    cast: Cast, worker: Worker
) -> None:
    learn(make_task(cast.acme.tenant), 1)
    client = cast.acme.client()
    assert client.post(f"{cast.acme.path}/domains/news/bring-back").status_code == 409
    shared_domain()
    refused = client.post(f"{cast.acme.path}/domains/press/bring-back")
    assert (refused.status_code, "operator" in refused.json()["error"]["message"]) == (400, True)


@pytest.fixture
def shared(cast: Cast, worker: Worker) -> tuple[Task, Task]:
    """Tasks of acme and of globex in a shared domain that acme contributes to; both follow its second tree,
    which has what globex gave, too."""
    press = shared_domain()
    for tenant in (cast.acme.tenant, cast.globex.tenant):
        verified(tenant)
        version = learn(make_task(tenant), 1)
        with tenant_scope(tenant.pk):
            assert version.dataset is not None
            contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
        update(press, worker)
    first, _ = trees(press)
    tasks = [_deployed_in(press, tenant, first) for tenant in (cast.acme.tenant, cast.globex.tenant)]
    with operator_scope():
        Deployment.objects.unscoped().filter(task__domain=press).update(tree_version=trees(press)[1])
    return tasks[0], tasks[1]


def update(domain: Domain, worker: Worker) -> None:
    with operator_scope():
        domain_update_request(domain=domain, acting=OPERATOR)
    worker.work()


def _deployed_in(domain: Domain, tenant: Tenant, tree: TreeVersion) -> Task:
    with tenant_scope(tenant.pk):
        task = task_create(tenant=tenant, name="Ours", slug="ours", domain_slug=domain.slug, acting=OPERATOR)
    version = make_version(task)
    with tenant_scope(tenant.pk):
        own = TreeVersion.objects.unscoped().filter(pk=version.tree_version_id)
        AdapterVersion.objects.for_tenant(tenant).filter(pk=version.pk).update(tree_version=tree)
        own.delete()  # which the fake made for it
    deployed(version)
    return task


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("domains", *arguments, stdout=out)
    return out.getvalue()


def test_the_operator_brings_a_shared_domain_back_for_a_week(
    shared: tuple[Task, Task], worker: Worker
) -> None:
    press = shared[0].domain
    before, newest = trees(press)
    assert said("bring-back", "press").strip() == f"press: going back to {before.digest} is queued"
    with pytest.raises(CommandError, match="queued or running"):
        said("bring-back", "press")
    worker.work()
    assert [served(task).pk for task in shared] == [before.pk] * 2
    assert worker.jobs()[-1]["tree_out_uri"] == before.uri, "nothing new is built"
    with operator_scope():
        moved = AuditEntry.objects.unscoped().filter(action="deployment.bring_back")
        assert {entry.tenant_id for entry in moved} == {task.tenant_id for task in shared}
        asked = AuditEntry.objects.unscoped().filter(action="domain_job.create").latest("id")
        assert (asked.actor, asked.details["brings_back"]) == ("operator", before.digest)
        HeldTask.objects.unscoped().update(until="2020-01-01T00:00:00Z")
    reconcile(store())
    assert [served(task).pk for task in shared] == [newest.pk] * 2


def test_the_operator_brings_it_back_in_the_console_too(shared: tuple[Task, Task], worker: Worker) -> None:
    press = shared[0].domain
    operator = client_of(make_user("operator@example.com", is_operator=True))
    chosen = {"action": "bring_back", "_selected_action": [str(press.pk)]}
    assert operator.post("/admin/catalog/domain/", chosen).status_code == 302
    worker.work()
    assert [served(task).pk for task in shared] == [trees(press)[0].pk] * 2


def test_a_shared_tree_with_what_was_revoked_does_not_come_back(
    cast: Cast, shared: tuple[Task, Task], worker: Worker
) -> None:
    acme = cast.acme.tenant
    said("bring-back", "press")  # and while it waits, what both trees hold is taken away
    with tenant_scope(acme.pk):
        given = Contribution.objects.for_tenant(acme).get()
        contribution_revoke(tenant=acme, contribution_id=given.pk, acting=OPERATOR)
    worker.work()
    with operator_scope():
        job = DomainJob.objects.unscoped().exclude(brings_back=None).get()
        assert job.state == JobState.FAILED
        assert not AuditEntry.objects.unscoped().filter(action="deployment.bring_back").exists()
    with pytest.raises(CommandError, match="holds text that was deleted"):
        said("bring-back", "press")
    for _ in range(4):
        worker.round()
    with pytest.raises(CommandError, match="No tree of press stands before"):
        said("bring-back", "press")


def test_a_shared_tree_that_fewer_tenants_made_does_not_come_back(shared: tuple[Task, Task]) -> None:
    press = shared[0].domain
    with operator_scope():
        shared_domain_change(domain=press, name="Press", min_tenants=press.min_tenants + 1, acting=OPERATOR)
    with pytest.raises(CommandError, match="fewer than the 4 tenants"):
        said("bring-back", "press")
    with operator_scope():
        shared_domain_change(domain=press, name="Press", min_tenants=3, acting=OPERATOR)
        trees_of_it = TreeVersion.objects.unscoped().filter(domain=press)
        trees_of_it.update(coverage={})  # as an older release left it
    with pytest.raises(CommandError, match="fewer than the 3 tenants"):
        said("bring-back", "press")


def test_going_back_is_no_update_that_takes_up_new_segments(
    cast: Cast, shared: tuple[Task, Task], worker: Worker
) -> None:
    press = shared[0].domain
    with operator_scope():
        DomainJob.objects.unscoped().update(created_at="2020-01-01T00:00:00Z")
    said("bring-back", "press")
    worker.work()
    with operator_scope():
        text = OperatorSegment(domain=press, uri="domains/press.segment-1", digest=digest("0"))
        text.created_at = DomainJob.objects.unscoped().latest("started_at").started_at - timedelta(
            microseconds=1
        )
        text.save()
    reconcile(store())
    with operator_scope():
        assert DomainJob.objects.unscoped().filter(domain=press, state=JobState.QUEUED).exists()


def test_the_root_is_not_brought_back(cast: Cast) -> None:
    with operator_scope(), pytest.raises(InvalidField, match="The root"):
        domain_bring_back_request(domain=make_general().domain, acting=OPERATOR)


def test_the_operator_does_it_in_the_console(task: Task, worker: Worker) -> None:
    operator = client_of(make_user("operator@example.com", is_operator=True))
    chosen = {"action": "bring_back", "_selected_action": [str(task.domain_id)]}
    for _ in range(2):
        assert operator.post("/admin/catalog/domain/", chosen).status_code == 302
    worker.work()
    assert served(task).pk == before_newest(task).pk


def test_a_stale_update_leaves_a_tree_that_stands(task: Task, worker: Worker) -> None:
    """The same content has the same place: what is given up must not be what serves."""
    from portal.domains.job_work import UpdateWork
    from wire.codec import from_plain
    from wire.domains import DomainJob as WireJob

    job = from_plain(WireJob, worker.jobs()[-1])
    newest = trees(task.domain)[-1]
    assert job.tree_out_uri == newest.uri
    with store().write(f"{newest.uri}/manifest.json") as file:
        file.write(b"{}")
    UpdateWork(store()).discard(job)
    assert store().exists(newest.uri)
    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=newest.pk).update(destroyed_at="2020-01-01T00:00:00Z")
    UpdateWork(store()).discard(job)
    assert not store().exists(newest.uri)
