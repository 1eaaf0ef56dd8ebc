"""The job that looks after all others."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.services import dataset_delete
from portal.tenants.actors import OPERATOR
from portal.training.jobs import training_reap
from portal.training.models import JobState, LeasedJob, TrainingEstimate
from portal.training.work_dir import WorkDir
from tests.fakes.portal import Cast, make_dataset, make_import, make_job, make_task
from wire.training import COMPUTED_STATES

pytestmark = pytest.mark.database


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
