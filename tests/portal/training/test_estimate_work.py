"""An estimate from its row to its answer, with a program that answers at once."""

import sys
from pathlib import Path

import pytest

from portal.common.scope import operator_scope, tenant_scope
from portal.datasets.services import dataset_delete
from portal.tenants.actors import OPERATOR
from portal.training.estimate_work import EstimateWork
from portal.training.models import JobState, TrainingEstimate
from portal.training.runner import RunnerConfig, run_next_job
from tests.fakes.portal import Cast, make_dataset, make_general, make_task
from tests.fakes.training import TRAINER

pytestmark = pytest.mark.database


@pytest.fixture
def estimate(cast: Cast) -> TrainingEstimate:
    make_general()
    tenant = cast.acme.tenant
    made = TrainingEstimate(tenant=tenant, task=make_task(tenant), dataset=make_dataset(tenant))
    with tenant_scope(tenant.pk):
        made.save()
    return made


def run(folder: Path, behaviour: str = "estimate") -> TrainingEstimate:
    command = (sys.executable, "-I", str(TRAINER), "--behaviour", behaviour, "--log", str(folder / "log"))
    config = RunnerConfig(
        command=command,
        environment={"PATH": "/usr/bin:/bin", "HMI_STORE_URL": "file:///nowhere"},
        work_root=folder / "estimates",
        lease_s=30.0,
        max_attempts=2,
        timeout_s=60.0,
    )
    run_next_job(EstimateWork(), config)
    with operator_scope():
        return TrainingEstimate.objects.unscoped().get()


def test_it_keeps_what_the_probe_says(estimate: TrainingEstimate, tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.state, done.error) == (JobState.SUCCEEDED, None)
    assert done.result is not None
    assert (done.result["num_steps"], done.result["accuracy"]["high"]) == (18, 0.9)
    assert "event" not in done.result
    assert list((tmp_path / "estimates").iterdir()) == []


def test_a_refusal_is_told(estimate: TrainingEstimate, tmp_path: Path) -> None:
    done = run(tmp_path, "refuse")
    assert (done.state, done.result) == (JobState.FAILED, None)
    assert done.error is not None
    assert done.error["code"] == "dataset_too_few_rows"


def test_it_keeps_no_dataset_from_being_deleted_and_then_fails(
    estimate: TrainingEstimate, tmp_path: Path
) -> None:
    with tenant_scope(estimate.tenant_id):
        assert estimate.dataset is not None
        dataset_delete(dataset=estimate.dataset, acting=OPERATOR)
    done = run(tmp_path)
    assert done.state == JobState.FAILED
    assert done.error is not None
    assert done.error["code"] == "not_found"


def test_a_training_does_not_answer_for_an_estimate(estimate: TrainingEstimate, tmp_path: Path) -> None:
    assert run(tmp_path, "well").state == JobState.QUEUED  # as a crash: it is tried again
