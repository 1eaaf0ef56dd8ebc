"""What was deleted is forgotten: trees, bundles, shared nodes, receipts; and the holes that were there."""

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.utils import timezone
from structlog.testing import capture_logs

from portal.catalog.models import AdapterVersion, PrivateLeaf, Segment, Task, TreeVersion
from portal.common.errors import Conflict, InvalidField
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore, StoreUnavailable
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete
from portal.domains.models import Contribution, DeletionRecord, DomainJob
from portal.domains.reconcile import (
    deletions_finish,
    leaves_destroy,
    leftovers_delete,
    reconcile,
    trees_destroy,
)
from portal.domains.selectors import contributions_of
from portal.domains.services import (
    contribution_grant,
    contribution_revoke,
    domain_update_request,
    tenant_forget,
)
from portal.serving.models import Deployment
from portal.serving.selectors import served_tree
from portal.serving.services import task_delete_unused
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import JobState
from tests.fakes.portal import Cast, make_general, make_job, make_task, make_tenant
from tests.portal.domains.world import (
    Worker,
    delete,
    deployed,
    leafed,
    learn,
    put,
    shared_domain,
    store,
    trees,
    under,
    verified,
)

pytestmark = pytest.mark.database


@pytest.fixture
def task(cast: Cast, worker: Worker) -> Task:
    return make_task(cast.acme.tenant)


def receipt(tenant_id: UUID) -> DeletionRecord:
    with operator_scope():
        return DeletionRecord.objects.unscoped().get(tenant_id=tenant_id)


def served(version: AdapterVersion) -> TreeVersion:
    """As the view for the service says."""
    with operator_scope():
        deployment = Deployment.objects.unscoped().get(version=version)
        return served_tree(deployment)


def dataset_of(version: AdapterVersion) -> Dataset:
    assert version.dataset is not None
    return version.dataset


def test_a_deleted_dataset_leaves_every_tree(task: Task, worker: Worker) -> None:
    first, second = learn(task, 1), learn(task, 2)
    deployed(second)
    delete(dataset_of(first))
    for _ in range(3):
        worker.round()
    old_one, old_two, new = trees(task.domain)
    assert [one["dataset"] for one in new.segments] == [str(second.dataset_id)]
    assert (new.retired_at, new.destroyed_at) == (None, None)
    for old in (old_one, old_two):
        assert old.destroyed_at is not None
        assert old.replaced_by_id == new.pk
        assert not store().exists(old.uri)
        assert not store().exists(f"{old.uri}.table-1")
    done = receipt(task.tenant_id)
    assert done.forgotten_at is not None
    assert [one["dataset"] for one in done.segments] == [str(first.dataset_id)]
    assert {(one["digest"], one["replaced_by"]) for one in done.trees} == {
        (old_one.digest, new.digest),
        (old_two.digest, new.digest),
    }
    assert [(one["task"], one["number"]) for one in done.versions] == [("news", 1)]


def test_the_service_hears_of_the_new_tree_and_never_of_a_destroyed_one(task: Task, worker: Worker) -> None:
    first, second = learn(task, 1), learn(task, 2)
    deployed(second)
    delete(dataset_of(first))
    worker.round()
    new = trees(task.domain)[-1]
    assert served(second).pk == new.pk
    assert store().exists(second.tree_version.uri), "still there for requests that began before"


def test_a_private_leaf_goes_with_its_dataset_and_the_receipt_names_it(task: Task, worker: Worker) -> None:
    version, other = learn(task, 1), learn(task, 2)
    leaves = [leafed(version), leafed(other)]
    delete(dataset_of(version))
    reconcile(store())
    with operator_scope():
        gone, kept = (PrivateLeaf.objects.unscoped().get(pk=leaf.pk) for leaf in leaves)
    assert gone.retired_at is not None and kept.retired_at is None
    assert store().exists(gone.uri), "still there for requests that began before"
    assert receipt(task.tenant_id).forgotten_at is None
    for _ in range(3):
        worker.round()
    done = receipt(task.tenant_id)
    assert done.forgotten_at is not None
    assert gone.digest in {one["digest"] for one in done.trees}
    assert not store().exists(gone.uri) and store().exists(kept.uri)
    assert store().exists(version.bundle_uri), "the version itself stays, as the receipt says"


def test_a_receipt_waits_for_the_private_leaf(task: Task, worker: Worker) -> None:
    version = learn(task, 1)
    leafed(version)
    delete(dataset_of(version))
    for _ in range(3):
        worker.round()
    assert receipt(task.tenant_id).forgotten_at is not None
    with operator_scope():
        DeletionRecord.objects.unscoped().update(forgotten_at=None)
        PrivateLeaf.objects.unscoped().update(destroyed_at=None)
    deletions_finish(store())
    assert receipt(task.tenant_id).forgotten_at is None
    leaves_destroy(store())
    deletions_finish(store())
    assert receipt(task.tenant_id).forgotten_at is not None


def test_the_last_dataset_leaves_a_tree_of_the_nodes_above(task: Task, worker: Worker) -> None:
    version = learn(task, 1)
    deployed(version)
    delete(dataset_of(version))
    for _ in range(3):
        worker.round()
    assert trees(task.domain)[-1].segments == []
    assert worker.jobs()[-1]["contributions"] == []
    assert receipt(task.tenant_id).forgotten_at is not None


def test_a_failed_update_is_tried_again_later_and_the_receipt_waits(task: Task, worker: Worker) -> None:
    version = learn(task, 1)
    delete(dataset_of(version))
    worker.options = ("--refuse",)
    for _ in range(3):
        worker.round()
    with operator_scope():
        job = DomainJob.objects.unscoped().get(domain=task.domain)
        assert job.state == JobState.FAILED
    assert receipt(task.tenant_id).forgotten_at is None
    with operator_scope():
        DomainJob.objects.unscoped().filter(pk=job.pk).update(finished_at="2020-01-01T00:00:00Z")
    worker.options = ()
    for _ in range(3):
        worker.round()
    assert receipt(task.tenant_id).forgotten_at is not None


def test_text_deleted_under_a_running_update_is_not_registered(
    task: Task, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.domains.job_work import UpdateWork

    first, second = learn(task, 1), learn(task, 2)
    delete(dataset_of(first))
    check = UpdateWork.check

    def deleting(self: UpdateWork, *given: object) -> None:
        check(self, *given)  # type: ignore[arg-type]
        monkeypatch.setattr(UpdateWork, "check", check)
        delete(dataset_of(second))

    monkeypatch.setattr(UpdateWork, "check", deleting)
    worker.round()
    with operator_scope():
        held = TreeVersion.objects.unscoped().filter(
            segments__contains=[{"dataset": str(second.dataset_id)}], retired_at=None
        )
        assert [tree.pk for tree in held] == [second.tree_version_id], "only what was there before"
    for _ in range(3):
        worker.round()
    with operator_scope():
        assert not TreeVersion.objects.unscoped().filter(
            segments__contains=[{"dataset": str(second.dataset_id)}], destroyed_at=None
        )


def share(worker: Worker, cast: Cast, slugs: tuple[str, ...] = ("acme", "globex", "initech")) -> list[Task]:
    """Verified tenants contribute a dataset each to the shared domain under which their tasks stand."""
    press = shared_domain()
    known = {"acme": cast.acme.tenant, "globex": cast.globex.tenant}
    tasks = []
    for slug in slugs:
        tenant = known.get(slug) or make_tenant(slug)
        verified(tenant)
        task = make_task(tenant)
        under(task, press)
        version = learn(task, 1)
        with tenant_scope(tenant.pk):
            contribution_grant(domain=press, dataset=dataset_of(version), acting=OPERATOR)
        tasks.append(task)
    with operator_scope():
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    return tasks


def test_a_deleted_tenant_leaves_shared_nodes_too(cast: Cast, worker: Worker) -> None:
    tasks = share(worker, cast)
    press = tasks[0].domain.parent
    assert press is not None
    above = trees(press)[0]
    assert len(above.segments) == 3
    on_shared = learn(tasks[1], 2, above=above)
    deployed(on_shared)
    acme = cast.acme.tenant.pk
    folder = f"tenants/{acme}"
    with tenant_scope(acme):
        record = tenant_forget(tenant=cast.acme.tenant, confirm="acme", acting=OPERATOR)
    with operator_scope():
        assert not Tenant.objects.filter(pk=acme).exists()
        DeletionRecord.objects.unscoped().filter(pk=record.pk).update(deleted_at="2020-01-01T00:00:00Z")
    for _ in range(5):
        worker.round()
    with operator_scope():
        for tree in TreeVersion.objects.unscoped().filter(destroyed_at=None):
            datasets = {one["dataset"] for one in tree.segments}
            assert not datasets & {one["dataset"] for one in record.segments}, tree.uri
    assert store().names(folder) == []
    newest = trees(tasks[1].domain)[-1]
    assert served(on_shared).pk == newest.pk
    assert newest.parent is not None
    assert {one["dataset"] for one in newest.parent.segments} == {
        one["dataset"] for one in above.segments
    } - {one["dataset"] for one in record.segments}
    assert receipt(acme).forgotten_at is not None


def test_a_revoked_consent_is_a_deletion_from_the_shared_node_alone(cast: Cast, worker: Worker) -> None:
    tasks = share(worker, cast)
    press = tasks[0].domain.parent
    assert press is not None
    with tenant_scope(cast.acme.tenant.pk):
        mine = Contribution.objects.for_tenant(cast.acme.tenant).get()
        assert mine.private_share == 0.25
        contribution_revoke(tenant=cast.acme.tenant, contribution_id=mine.pk, acting=OPERATOR)
    for _ in range(3):
        worker.round()
    assert len(trees(press)[-1].segments) == 2
    assert trees(press)[0].destroyed_at is not None
    with tenant_scope(cast.acme.tenant.pk):
        assert Segment.objects.for_tenant(cast.acme.tenant).count() == 1, "the tenant's own domain keeps it"
    assert trees(tasks[0].domain)[0].retired_at is None
    assert receipt(cast.acme.tenant.pk).forgotten_at is not None


def test_a_consent_is_not_given_again_before_the_last_is_forgotten(cast: Cast, worker: Worker) -> None:
    """Else the tree that holds the text by the new consent would be made anew again and again for the old."""
    press = share(worker, cast)[0].domain.parent
    assert press is not None
    acme = cast.acme.tenant
    with tenant_scope(acme.pk):
        mine = Contribution.objects.for_tenant(acme).select_related("dataset__tenant").get()
        contribution_revoke(tenant=acme, contribution_id=mine.pk, acting=OPERATOR)
        with pytest.raises(Conflict, match="forgotten"):
            contribution_grant(domain=press, dataset=mine.dataset, acting=OPERATOR)
        elsewhere = shared_domain("elsewhere")
        contribution_grant(domain=elsewhere, dataset=mine.dataset, acting=OPERATOR)
    for _ in range(3):
        worker.round()
    assert receipt(acme.pk).forgotten_at is not None
    with tenant_scope(acme.pk):
        assert Contribution.objects.for_tenant(acme).filter(domain=press, revoked_at=None).count() == 0
        contribution_grant(domain=press, dataset=mine.dataset, acting=OPERATOR)
    with operator_scope():
        asked = DomainJob.objects.unscoped().filter(domain=press, does="update").count()
        domain_update_request(domain=press, acting=OPERATOR)
    for _ in range(3):
        worker.round()
    assert len(trees(press)[-1].segments) == 3
    with operator_scope():
        assert DomainJob.objects.unscoped().filter(domain=press, does="update").count() == asked + 1


def test_a_tenant_goes_with_everything_at_once(cast: Cast, task: Task) -> None:
    version = learn(task, 1)
    deployed(version)
    make_job(task, dataset_of(version), state=JobState.RUNNING)
    with tenant_scope(task.tenant_id):
        with pytest.raises(InvalidField):
            tenant_forget(tenant=cast.acme.tenant, confirm="globex", acting=OPERATOR)
        tenant_forget(tenant=cast.acme.tenant, confirm="acme", acting=OPERATOR)
    with operator_scope():
        for model in (AdapterVersion, TreeVersion, Task, Segment, Dataset):
            assert not model.objects.unscoped().filter(tenant_id=task.tenant_id).exists(), model
        assert Tenant.objects.filter(slug="globex").exists()


def test_leftovers_of_cancelled_trainings_and_deleted_tasks_go(cast: Cast, task: Task) -> None:
    version = learn(task, 1)
    other = make_task(cast.acme.tenant, "other")
    gone = learn(other, 1)
    running = make_job(task, dataset_of(version), state=JobState.RUNNING)
    cancelled = make_job(other, dataset_of(gone), state=JobState.CANCELLED)
    folder = f"tenants/{task.tenant_id}"
    for job in (running, cancelled):
        put(f"{folder}/trees/{job.pk}/manifest.json")
        put(f"{folder}/trees/{job.pk}.table-7/manifest.json")
        put(f"{folder}/versions/{job.pk}/manifest.json")
    with tenant_scope(task.tenant_id):
        task_delete_unused(task=other, acting=OPERATOR)
    leftovers_delete(store())
    trained = version.tree_version.uri.rpartition("/")[2]
    assert set(store().names(f"{folder}/versions")) == {trained, str(running.pk)}
    left = {name.partition(".")[0] for name in store().names(f"{folder}/trees")}
    assert left == {trained, str(running.pk), gone.tree_version.uri.rpartition("/")[2]}


def test_text_of_no_dataset_goes_once_it_is_of_none_to_come(task: Task, store_folder: Path) -> None:
    """A portal was killed before the row of what was uploaded stood, a store failed as it should delete."""
    known = dataset_of(learn(task, 1))
    folder = f"tenants/{task.tenant_id}"
    put(f"{folder}/datasets/{known.pk}/original")
    put(f"{folder}/segments/{known.pk}/manifest.json")
    old, fresh, segment, upload = (str(uuid4()) for _ in range(4))
    for place in (f"datasets/{old}/original", f"segments/.{segment}.1.part/keys.bin", f"uploads/{upload}/0"):
        put(f"{folder}/{place}")
        os.utime(store_folder / folder / place, (time.time() - 3700,) * 2)
    put(f"{folder}/datasets/{fresh}/original")
    leftovers_delete(store())
    assert set(store().names(f"{folder}/datasets")) == {str(known.pk), fresh}
    assert store().names(f"{folder}/segments") == [str(known.pk)]
    assert store().names(f"{folder}/uploads") == []


def test_what_is_written_of_a_dataset_after_its_deletion_goes_before_the_receipt_is_complete(
    task: Task, worker: Worker
) -> None:
    """By an examination that went on when its worker was killed."""
    gone = dataset_of(learn(task, 1))
    folder = f"tenants/{task.tenant_id}/datasets/{gone.pk}"
    delete(gone)
    put(f"{folder}/rows.jsonl")
    for _ in range(3):
        worker.round()
    assert receipt(task.tenant_id).forgotten_at is not None
    assert store().names(folder) == []


def test_a_receipt_is_complete_only_without_what_a_cancelled_training_left(
    task: Task, worker: Worker
) -> None:
    """Its tree was published before it was cancelled: no row knows it, and it holds the text."""
    version = learn(task, 1)
    cancelled = make_job(task, dataset_of(version), state=JobState.CANCELLED)
    left = f"tenants/{task.tenant_id}/trees/{cancelled.pk}"
    put(f"{left}/manifest.json")
    put(f"{left}.table-7/manifest.json")
    delete(dataset_of(version))
    for _ in range(3):
        worker.round()
    assert receipt(task.tenant_id).forgotten_at is not None
    assert not [
        name for name in store().names(f"tenants/{task.tenant_id}/trees") if str(cancelled.pk) in name
    ]


def test_what_a_killed_process_had_half_published_is_forgotten_too(task: Task, worker: Worker) -> None:
    """Hidden beside the place that it was for (hmi.artifacts.store): a power failure leaves it there."""
    version = learn(task, 1)
    cancelled = make_job(task, dataset_of(version), state=JobState.CANCELLED)
    folder = f"tenants/{task.tenant_id}"
    for place in (
        f"trees/.{cancelled.pk}.0a1b.part",
        f"trees/.{cancelled.pk}.table-7.0a1b.part",
        f"versions/.{cancelled.pk}.leaf-7.0a1b.part",
        f"segments/.{version.dataset_id}.0a1b.part",
    ):
        put(f"{folder}/{place}/means.npy")
    put(f"{folder}/versions/.{leafed(version).uri.rpartition('/')[2]}.0a1b.part/table.plot")
    delete(dataset_of(version))
    for _ in range(3):
        worker.round()
    assert receipt(task.tenant_id).forgotten_at is not None
    for kind in ("trees", "versions", "segments"):
        assert not [name for name in store().names(f"{folder}/{kind}") if name.startswith(".")], kind


def test_what_was_taken_away_contributes_no_longer_though_its_files_still_stand(
    cast: Cast, task: Task, worker: Worker
) -> None:
    first, second = learn(task, 1), learn(task, 2)
    press = shared_domain()
    verified(cast.acme.tenant)
    with tenant_scope(task.tenant_id):
        for version in (first, second):
            contribution_grant(domain=press, dataset=dataset_of(version), acting=OPERATOR)
        dataset_delete(dataset=dataset_of(first), acting=OPERATOR)
    with operator_scope():
        for domain in (task.domain, press):
            assert [one.dataset_id for one in contributions_of(domain)] == [str(second.dataset_id)]


def test_a_retired_tree_stays_for_the_requests_that_began_with_it(task: Task, worker: Worker) -> None:
    tree = learn(task, 1).tree_version
    for retired_at, is_there in ((timezone.now(), True), (timezone.now() - timedelta(minutes=10), False)):
        with operator_scope():
            TreeVersion.objects.unscoped().filter(pk=tree.pk).update(retired_at=retired_at)
        trees_destroy(store())
        assert store().exists(tree.uri) is is_there


def test_a_replaced_tree_stays_while_an_update_makes_the_same_again(task: Task, worker: Worker) -> None:
    """Its process finds the tree at its place, and makes no other."""
    tree = learn(task, 1).tree_version
    with operator_scope():
        replaced = TreeVersion.objects.unscoped().filter(pk=tree.pk)
        replaced.update(retired_at=timezone.now() - timedelta(minutes=10))
        job = domain_update_request(domain=task.domain, acting=OPERATOR)
        updates = DomainJob.objects.unscoped().filter(pk=job.pk)
        updates.update(state=JobState.RUNNING, out_uri=tree.uri)
    trees_destroy(store())
    assert store().exists(tree.uri) and store().exists(f"{tree.uri}.table-1")
    with operator_scope():
        assert replaced.get().destroyed_at is None
        updates.update(state=JobState.SUCCEEDED)
    trees_destroy(store())
    assert not store().exists(tree.uri)


def test_a_tree_that_is_registered_again_is_not_destroyed(task: Task, worker: Worker) -> None:
    """Between the look at what is due and the deletion of one tree."""
    first, second = (learn(task, number).tree_version for number in (1, 2))
    long_ago = timezone.now() - timedelta(minutes=10)
    with operator_scope():
        due = TreeVersion.objects.unscoped().filter(domain=task.domain)
        due.update(retired_at=long_ago)

    class Slow(ObjectStore):
        def delete_beside(self, uri: str) -> None:
            with operator_scope():
                due.exclude(uri=uri).filter(destroyed_at=None).update(retired_at=None)
            super().delete_beside(uri)

    trees_destroy(Slow(settings.ENV.store_url))
    with operator_scope():
        standing = {tree.pk: tree.destroyed_at is None for tree in due}
    assert sorted(standing.values()) == [False, True]
    for tree in (first, second):
        assert store().exists(tree.uri) is standing[tree.pk]


class Refusing(ObjectStore):
    """Does not delete what is ``stuck``."""

    def __init__(self, stuck: set[str]) -> None:
        super().__init__(settings.ENV.store_url)
        self.stuck = stuck

    def delete(self, uri: str) -> None:
        if uri in self.stuck:
            raise StoreUnavailable(uri, PermissionError(uri)) from PermissionError("held for ever")
        super().delete(uri)


def test_what_the_store_will_not_delete_holds_up_no_other_and_is_tried_again(
    cast: Cast, task: Task, worker: Worker
) -> None:
    versions = [learn(one, 1) for one in (task, make_task(cast.globex.tenant))]
    leaves = [leafed(version) for version in versions]
    leftovers = [f"tenants/{version.tenant_id}/trees/{uuid4()}" for version in versions]
    for uri in leftovers:
        put(f"{uri}/manifest.json")
    places = [
        [version.tree_version.uri, leaf.uri, uri]
        for version, leaf, uri in zip(versions, leaves, leftovers, strict=True)
    ]
    for version in versions:
        delete(dataset_of(version))
    refusing = Refusing(set(places[0]))
    for _ in range(3):
        worker.round(refusing)
    assert [store().exists(uri) for uri in places[1]] == [False] * 3
    assert receipt(cast.globex.tenant.pk).forgotten_at is not None
    assert receipt(task.tenant_id).forgotten_at is None
    with capture_logs() as told:
        reconcile(refusing)
    refused = {one["uri"]: one["reason"] for one in told if one["event"] == "store.not_deleted"}
    assert refused == dict.fromkeys(places[0], "held for ever")
    refusing.stuck = {leftovers[0]}
    reconcile(refusing)
    assert receipt(task.tenant_id).forgotten_at is None, "what is left may hold the text"
    refusing.stuck = set()
    reconcile(refusing)
    assert receipt(task.tenant_id).forgotten_at is not None
    assert [store().exists(uri) for uri in places[0]] == [False] * 3


def test_of_a_store_that_does_not_answer_nothing_more_is_asked(task: Task, worker: Worker) -> None:
    class Away(ObjectStore):
        asked: ClassVar[list[str]] = []

        def delete(self, uri: str) -> None:
            self.asked.append(uri)
            raise StoreUnavailable(uri, OSError())

        def names(self, uri: str) -> list[str]:
            raise StoreUnavailable(uri, OSError())

        def delete_beside(self, uri: str) -> None:
            self.delete(uri)

    for version in (learn(task, 1), learn(task, 2)):
        leafed(version)
        delete(dataset_of(version))
    worker.round()
    with pytest.raises(StoreUnavailable):
        leaves_destroy(Away(settings.ENV.store_url))
    assert len(Away.asked) == 1


def test_a_tree_is_destroyed_only_once_no_tree_stands_on_it(task: Task, worker: Worker) -> None:
    general, below = make_general(), learn(task, 1).tree_version
    long_ago = timezone.now() - timedelta(minutes=10)

    def is_destroyed() -> bool:
        trees_destroy(store())
        with operator_scope():
            return TreeVersion.objects.unscoped().get(pk=general.pk).destroyed_at is not None

    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=general.pk).update(retired_at=long_ago)
    assert not is_destroyed()
    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=below.pk).update(retired_at=long_ago, destroyed_at=long_ago)
    assert is_destroyed()
