"""What workers are sent, and the job that looks after all others."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.common.queue import JobName
from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.services import dataset_delete
from portal.tenants.actors import OPERATOR
from portal.training import reaper
from portal.training.jobs import estimate_run, import_run, training_reap, training_run
from portal.training.models import JobState, LeasedJob, TrainingEstimate
from portal.training.work_dir import WorkDir
from tests.fakes.portal import Cast, make_dataset, make_general, make_import, make_job, make_task
from tests.fakes.training import refusing_python
from wire.training import COMPUTED_STATES

pytestmark = pytest.mark.database


@pytest.fixture
def _refusing(settings: Settings, tmp_path: Path) -> None:
    """The installation's own program refuses whatever it is asked."""
    changes = {"work_dir": tmp_path, "training_python": str(refusing_python(tmp_path))}
    settings.ENV = settings.ENV.model_copy(update=changes)


@pytest.mark.usefixtures("_refusing")
def test_each_message_has_a_job_of_its_kind_worked_on_by_the_installations_own_program(
    cast: Cast, tmp_path: Path
) -> None:
    make_general()
    task, dataset = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant)
    estimate = TrainingEstimate(tenant=task.tenant, task=task, dataset=dataset)
    with tenant_scope(task.tenant_id):
        estimate.save()
    sent: list[tuple[Callable[[str], None], LeasedJob]] = [
        (training_run, make_job(task, dataset)),
        (estimate_run, estimate),
        (import_run, make_import(task)),
    ]
    for run, job in sent:
        run(str(job.pk))
        with operator_scope():
            job.refresh_from_db()
        assert job.error is not None and job.error["code"] == "dataset_too_few_rows"
    asked = [line.split()[:3] for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == [["-m", "hmi.cli", command] for command in ("train", "estimate", "import")]


@pytest.mark.usefixtures("_refusing")
def test_the_end_of_a_training_calls_for_the_one_that_waits(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_general()
    task, dataset = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant)
    first, second = make_job(task, dataset), make_job(make_task(cast.acme.tenant, "other"), dataset)
    sent: list[tuple[JobName, str]] = []
    monkeypatch.setattr(reaper, "enqueue_on_commit", lambda name, id: sent.append((name, id)))
    training_run(str(first.pk))
    assert sent == [(JobName.TRAINING_RUN, str(second.pk))]
    training_run(str(second.pk))
    assert len(sent) == 1, "nobody waits"


@pytest.mark.usefixtures("_refusing")
def test_a_training_whose_old_process_still_ends_keeps_no_other_from_its_turn(
    cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_general()
    began = timezone.now() - timedelta(days=2)  # it was paused
    first = make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant), started_at=began)
    second = make_job(make_task(cast.globex.tenant), make_dataset(cast.globex.tenant))
    sent: list[str] = []
    monkeypatch.setattr(reaper, "enqueue_on_commit", lambda name, id: sent.append(id))
    old = WorkDir(tmp_path / "trainings", str(first.pk))
    try:
        training_run(str(first.pk))
    finally:
        old.close()
    with operator_scope():
        first.refresh_from_db()
    assert (first.state, first.attempt, first.lease_owner) == (JobState.QUEUED, 0, None)
    assert sent == [str(second.pk)], "not for the first again, for ever"
    training_run(str(second.pk))
    assert (tmp_path / "asked").exists(), "the second's turn has come"


def test_it_takes_up_jobs_of_every_kind_and_deletes_what_was_left_of_any(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"work_dir": tmp_path})
    tenant = cast.acme.tenant
    task, dataset, gone = make_task(tenant), make_dataset(tenant), make_dataset(tenant)
    died = {
        "state": JobState.RUNNING,
        "lease_owner": "dead",
        "lease_expires_at": timezone.now() - timedelta(minutes=10),
    }
    estimate = TrainingEstimate(tenant=tenant, task=task, dataset=dataset, **died)
    with tenant_scope(tenant.pk):
        estimate.save()
        dataset_delete(dataset=gone, acting=OPERATOR)
    jobs: list[LeasedJob] = [make_job(task, dataset, **died), make_import(task, **died), estimate]
    left = [tmp_path / kind / str(uuid4()) for kind in ("trainings", "estimates", "imports")]
    for folder in left:
        WorkDir(folder.parent, folder.name).close()
    states = tmp_path / "states" / str(tenant.pk) / str(gone.pk) / COMPUTED_STATES / "key.sum"
    states.parent.mkdir(parents=True)
    states.touch()
    training_reap()
    assert not any(path.exists() for path in (*left, states))
    with operator_scope():
        for job in jobs:
            job.refresh_from_db()
            assert (job.state, job.lease_owner) == (JobState.QUEUED, None)
