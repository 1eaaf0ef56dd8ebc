"""A tree that a training, an estimate or an import reads: it outlives its replacement, goes when the job has
ended, and at once when it must be forgotten."""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from portal.catalog.models import AdapterVersion, Domain, Task, TreeVersion
from portal.catalog.services import task_create
from portal.common.scope import operator_scope, tenant_scope
from portal.domains.models import DeletionRecord, OperatorSegment
from portal.domains.services import contribution_grant, domain_update_request
from portal.serving.models import Deployment
from portal.serving.selectors import served_tree
from portal.serving.services import deploy
from portal.tenants.actors import OPERATOR
from portal.training.estimate_work import EstimateWork
from portal.training.import_work import ImportWork
from portal.training.leases import Lease
from portal.training.models import AdapterImport, JobState, LeasedJob, TrainingEstimate, TrainingJob
from portal.training.runner import RunnerConfig
from portal.training.services import training_pause, training_resume
from portal.training.training_work import TrainingWork
from portal.training.try_again import KEPT_FOR
from portal.training.work import Work
from tests.fakes.jobs import run_job
from tests.fakes.portal import Cast, digest, make_dataset, make_import, make_job, make_task
from tests.fakes.training import TRAINER
from tests.portal.domains.world import (
    Worker,
    delete,
    learn,
    put,
    shared_domain,
    store,
    trees,
    under,
    verified,
)
from wire.ids import JobId
from wire.training import TrainJob

pytestmark = pytest.mark.database


@pytest.fixture
def press(worker: Worker) -> Domain:
    """A shared domain with a tree of the operator's text."""
    press = shared_domain()
    replace(press, worker, "0")
    return press


def replace(domain: Domain, worker: Worker, letter: str) -> None:
    """The shared domain gets one more text of the operator's, and a new tree."""
    with operator_scope():
        OperatorSegment(
            domain=domain, uri=f"domains/{domain.slug}.segment-{letter}", digest=digest(letter)
        ).save()
        domain_update_request(domain=domain, acting=OPERATOR)
    worker.work()
    newest = trees(domain)[-1]
    put(f"{newest.uri}/manifest.json")
    put(f"{newest.uri}.table-1/manifest.json")


@pytest.fixture
def task(cast: Cast, press: Domain) -> Task:
    """In the shared domain itself."""
    tenant = cast.acme.tenant
    with tenant_scope(tenant.pk):
        return task_create(tenant=tenant, name="News", slug="news", domain_slug=press.slug, acting=OPERATOR)


@pytest.fixture
def job(task: Task) -> TrainingJob:
    return make_job(task, make_dataset(task.tenant))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., LeasedJob]:
    """Runs a job once, with a program that behaves in some way."""

    def go(job: LeasedJob, behaviour: str) -> LeasedJob:
        log = str(tmp_path / "starts.log")
        config = RunnerConfig(
            command=(sys.executable, "-I", str(TRAINER), "--behaviour", behaviour, "--log", log),
            environment={"PATH": "/usr/bin:/bin", "HMI_STORE_URL": "file:///nowhere"},
            work_root=tmp_path / job.kind,
            lease_s=5.0,
            max_attempts=3,
            timeout_s=60.0,
        )
        works: dict[type[LeasedJob], Work[Any, Any]] = {
            TrainingJob: TrainingWork(store(), tmp_path / "states"),
            TrainingEstimate: EstimateWork(),
            AdapterImport: ImportWork(store()),
        }
        run_job(works[type(job)], JobId(str(job.pk)), config)
        return seen(job)

    return go


def seen(job: LeasedJob) -> LeasedJob:
    with operator_scope():
        found: LeasedJob = type(job).objects.unscoped().get(pk=job.pk)
        return found


def starts(folder: Path) -> list[int]:
    return [int(line.split()[0]) for line in (folder / "starts.log").read_text().splitlines()]


def stands(tree: TreeVersion) -> bool:
    """Row and bundle, or neither."""
    with operator_scope():
        is_destroyed = TreeVersion.objects.unscoped().get(pk=tree.pk).destroyed_at is not None
    is_whole = store().exists(tree.uri) and store().exists(f"{tree.uri}.table-1")
    assert is_whole is not is_destroyed
    return is_whole


def rounds(worker: Worker, number: int = 3) -> None:
    for _ in range(number):
        worker.round()


def test_a_training_goes_on_with_the_tree_that_it_began_with(
    press: Domain, job: TrainingJob, worker: Worker, tmp_path: Path, run: Callable[..., TrainingJob]
) -> None:
    begun_with = trees(press)[0]
    assert run(job, "crash-once").tree_id == begun_with.pk
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    (retired,) = (tree for tree in trees(press) if tree.pk == begun_with.pk)
    assert retired.retired_at is not None and stands(begun_with)
    done = run(job, "crash-once")
    assert (done.state, done.error) == (JobState.SUCCEEDED, None)
    assert starts(tmp_path) == [0, 1], "from its checkpoint"
    version = _version(job)
    assert version.tree_version_id == begun_with.pk
    with tenant_scope(job.tenant_id):
        deploy(version=version, acting=OPERATOR)
    rounds(worker)
    assert not stands(begun_with), "it has ended"
    with operator_scope():
        deployment = Deployment.objects.unscoped().get(version=version)
        served = served_tree(deployment)
    assert served.pk == trees(press)[-1].pk and served.retired_at is None
    assert stands(served)
    replace(press, worker, "3")
    with operator_scope():
        moved = served_tree(Deployment.objects.unscoped().get(pk=deployment.pk))
    assert moved.retired_at is None, "it follows or is held, as others are"


def _version(job: TrainingJob) -> AdapterVersion:
    with operator_scope():
        found = AdapterVersion.objects.unscoped().select_related("task", "tenant")
        return found.get(training_job_id=job.pk)


def test_a_domain_below_a_replaced_tree_is_updated_after_its_training(
    cast: Cast, press: Domain, worker: Worker, run: Callable[..., TrainingJob]
) -> None:
    """Its own new tree stands on the replaced one, which goes when it has been made anew on the newest."""
    own = make_task(cast.acme.tenant, "own")
    under(own, press)
    job = make_job(own, make_dataset(own.tenant))
    begun_with = trees(press)[0]
    run(job, "crash-once")
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert stands(begun_with)
    assert run(job, "crash-once").state == JobState.SUCCEEDED
    trained = trees(own.domain)[-1]
    assert trained.parent_id == begun_with.pk
    put(f"{trained.uri}/manifest.json")
    rounds(worker, 4)
    newest = trees(own.domain)[-1]
    assert (newest.parent_id, newest.retired_at) == (trees(press)[-1].pk, None)
    assert [one["dataset"] for one in newest.segments] == [str(job.dataset_id)]
    assert not stands(begun_with)
    with tenant_scope(own.tenant_id):
        deployment = deploy(version=_version(job), acting=OPERATOR)
        assert served_tree(deployment).pk == newest.pk


@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.CANCELLED, JobState.FAILED])
def test_a_paused_training_keeps_its_tree_and_one_that_has_ended_does_not(
    press: Domain, job: TrainingJob, worker: Worker, run: Callable[..., TrainingJob], state: JobState
) -> None:
    begun_with = trees(press)[0]
    run(job, "crash-once")
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=job.pk).update(state=state)
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert stands(begun_with) is (state == JobState.PAUSED)


def test_one_that_failed_by_what_passes_keeps_its_tree_as_long_as_its_folder(
    press: Domain, job: TrainingJob, worker: Worker, run: Callable[..., TrainingJob]
) -> None:
    begun_with = trees(press)[0]
    run(job, "crash-once")
    failed = {"state": JobState.FAILED, "error": {"code": "store_unavailable", "retryable": True}}
    with operator_scope():
        this = TrainingJob.objects.unscoped().filter(pk=job.pk)
        this.update(**failed, finished_at=timezone.now())
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert stands(begun_with)
    with operator_scope():
        this.update(finished_at=timezone.now() - KEPT_FOR - timedelta(minutes=1))
    rounds(worker)
    assert not stands(begun_with)


def test_an_estimate_keeps_its_tree_until_it_has_answered(
    press: Domain, task: Task, worker: Worker, run: Callable[..., TrainingEstimate]
) -> None:
    estimate = TrainingEstimate(tenant=task.tenant, task=task, dataset=make_dataset(task.tenant))
    with tenant_scope(task.tenant_id):
        estimate.save()
    begun_with = trees(press)[0]
    assert run(estimate, "crash").tree_id == begun_with.pk
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert stands(begun_with)
    assert run(estimate, "estimate").state == JobState.SUCCEEDED
    rounds(worker)
    assert not stands(begun_with)


def test_an_import_goes_on_with_the_tree_that_it_began_with(
    press: Domain, task: Task, worker: Worker, tmp_path: Path, run: Callable[..., AdapterImport]
) -> None:
    made, begun_with = make_import(task), trees(press)[0]
    assert run(made, "crash-once").tree_id == begun_with.pk
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert stands(begun_with)
    done = run(made, "import")
    assert (done.state, done.error) == (JobState.SUCCEEDED, None)
    assert starts(tmp_path) == [0, 1], "what it had done is not done again"
    with operator_scope():
        version = AdapterVersion.objects.unscoped().select_related("task", "tenant").get(import_id=made.pk)
    assert version.tree_version_id == begun_with.pk
    rounds(worker)
    assert not stands(begun_with), "it has ended"
    with tenant_scope(task.tenant_id):
        assert served_tree(deploy(version=version, acting=OPERATOR)).pk == trees(press)[-1].pk


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
def test_an_import_that_has_ended_keeps_no_tree(
    press: Domain, task: Task, worker: Worker, run: Callable[..., AdapterImport], state: JobState
) -> None:
    made, begun_with = make_import(task), trees(press)[0]
    run(made, "crash-once")
    with operator_scope():
        AdapterImport.objects.unscoped().filter(pk=made.pk).update(state=state)
    replace(press, worker, "1")
    replace(press, worker, "2")
    rounds(worker)
    assert not stands(begun_with)


@pytest.fixture
def contributed(cast: Cast, press: Domain, worker: Worker) -> AdapterVersion:
    """globex's text is in the shared domain's newest tree."""
    task = make_task(cast.globex.tenant)
    verified(task.tenant)
    version = learn(task, 1)
    assert version.dataset is not None
    with tenant_scope(task.tenant_id):
        contribution_grant(domain=press, dataset=version.dataset, acting=OPERATOR)
    replace(press, worker, "9")
    assert [one["dataset"] for one in trees(press)[-1].segments] == [str(version.dataset.pk)]
    return version


@pytest.mark.parametrize("is_replaced_before", [False, True])
@pytest.mark.parametrize("is_paused", [False, True])
def test_forgetting_destroys_a_tree_that_is_read_and_the_job_begins_anew(
    press: Domain,
    job: TrainingJob,
    worker: Worker,
    tmp_path: Path,
    run: Callable[..., TrainingJob],
    contributed: AdapterVersion,
    is_replaced_before: bool,
    is_paused: bool,
) -> None:
    begun_with = trees(press)[-1]
    assert run(job, "crash-once").tree_id == begun_with.pk
    if is_paused:
        with tenant_scope(job.tenant_id):
            training_pause(job=job, acting=OPERATOR)
    if is_replaced_before:
        replace(press, worker, "1")
        replace(press, worker, "2")
        rounds(worker)
        assert stands(begun_with)
    assert contributed.dataset is not None
    delete(contributed.dataset)
    rounds(worker, 4)
    assert not stands(begun_with)
    with operator_scope():
        assert DeletionRecord.objects.unscoped().get().forgotten_at is not None
    if is_paused:
        with tenant_scope(job.tenant_id):
            training_resume(job=job, acting=OPERATOR)
    stale = run(job, "crash-once")
    assert (stale.state, stale.attempt, stale.error) == (JobState.QUEUED, 0, None)
    assert starts(tmp_path) == [0], "it was not started on what is gone"
    assert run(job, "well").state == JobState.SUCCEEDED
    assert starts(tmp_path) == [0, 0]
    assert _version(job).tree_version.pk == trees(press)[-1].pk
    assert _version(job).tree_version.segments == []


def test_forgetting_makes_an_import_begin_anew(
    press: Domain,
    task: Task,
    worker: Worker,
    tmp_path: Path,
    run: Callable[..., AdapterImport],
    contributed: AdapterVersion,
) -> None:
    made, begun_with = make_import(task), trees(press)[-1]
    assert run(made, "crash-once").tree_id == begun_with.pk
    assert contributed.dataset is not None
    delete(contributed.dataset)
    rounds(worker, 4)
    assert not stands(begun_with)
    stale = run(made, "import")
    assert (stale.state, stale.version) == (JobState.QUEUED, None)
    assert starts(tmp_path) == [0], "it was not started on what is gone"
    assert run(made, "import").tree_id == trees(press)[-1].pk


def test_a_running_process_hears_of_a_deletion_and_ends(
    press: Domain,
    job: TrainingJob,
    worker: Worker,
    run: Callable[..., TrainingJob],
    contributed: AdapterVersion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun_with, beats = trees(press)[-1], list[bool]()
    is_stale = TrainingWork.is_stale

    def asking(self: TrainingWork, lease: Lease, training: TrainJob) -> bool:
        found = is_stale(self, lease, training)
        if seen(job).step == 1:  # the process is running, and waits
            beats.append(found)
            if len(beats) == 1:
                replace(press, worker, "1")
            if len(beats) == 2:
                assert contributed.dataset is not None
                delete(contributed.dataset)
                rounds(worker)
        return found

    monkeypatch.setattr(TrainingWork, "is_stale", asking)
    stale = run(job, "wait")
    assert beats == [False, False, True], "replaced is not gone"
    assert (stale.state, stale.attempt, stale.error) == (JobState.QUEUED, 0, None)
    assert not stands(begun_with)


def test_a_tree_that_is_made_again_is_read_again(
    press: Domain, job: TrainingJob, worker: Worker, run: Callable[..., TrainingJob]
) -> None:
    with operator_scope():
        TreeVersion.objects.unscoped().filter(domain=press).update(
            retired_at=timezone.now(), condemned_at=timezone.now(), destroyed_at=timezone.now()
        )
        domain_update_request(domain=press, acting=OPERATOR)
    worker.work()
    (again,) = trees(press)
    assert (again.retired_at, again.condemned_at, again.destroyed_at) == (None, None, None)
    assert run(job, "well").state == JobState.SUCCEEDED
