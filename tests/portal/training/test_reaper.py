"""Jobs that nobody works on, and folders that nobody needs."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.forms.models import model_to_dict
from django.utils import timezone

from portal.audit.models import AuditEntry
from portal.common.queue import JobName
from portal.common.scope import operator_scope
from portal.training import reaper
from portal.training.models import JobState, TrainingJob
from portal.training.reaper import jobs_reap, work_dirs_sweep
from portal.training.work_dir import WorkDir
from tests.fakes.portal import Cast, make_dataset, make_job, make_task

pytestmark = pytest.mark.database
LONG_AGO = timedelta(minutes=10)
Make = Callable[..., TrainingJob]


@pytest.fixture
def make(cast: Cast) -> Make:
    dataset = make_dataset(cast.acme.tenant)

    def make_one(**fields: Any) -> TrainingJob:
        return make_job(make_task(cast.acme.tenant, f"task-{uuid4().hex[:8]}"), dataset, **fields)

    return make_one


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the jobs that a message was sent for."""
    ids: list[str] = []

    def note(name: JobName, **of: str) -> None:
        assert name is JobName.TRAINING_RUN
        ids.append(of["id"])

    monkeypatch.setattr(reaper, "enqueue_on_commit", note)
    return ids


def seen(job: TrainingJob) -> TrainingJob:
    with operator_scope():
        return TrainingJob.objects.unscoped().get(pk=job.pk)


def test_a_job_whose_worker_died_is_queued_again_and_called_for(make: Make, sent: list[str]) -> None:
    job = make(
        state=JobState.RUNNING, lease_owner="dead", lease_expires_at=timezone.now() - LONG_AGO, attempt=1
    )
    jobs_reap(TrainingJob)
    again = seen(job)
    assert (again.state, again.lease_owner, again.lease_expires_at) == (JobState.QUEUED, None, None)
    assert again.attempt == 1
    assert sent == [str(job.pk)]
    jobs_reap(TrainingJob)
    assert sent == [str(job.pk)]  # a fresh message is not repeated


def test_a_job_whose_worker_died_when_it_had_got_further_has_an_attempt_less(
    make: Make, sent: list[str]
) -> None:
    dead = {"state": JobState.RUNNING, "lease_owner": "dead", "lease_expires_at": timezone.now() - LONG_AGO}
    further = make(**dead, attempt=3, claimed_share=0.2, share=0.4)
    same = make(**dead, attempt=3, claimed_share=0.4, share=0.4)
    jobs_reap(TrainingJob)
    assert (seen(further).attempt, seen(same).attempt) == (2, 3)


def test_a_job_that_is_to_wait_is_not_called_for_before_its_time(make: Make, sent: list[str]) -> None:
    old = timezone.now() - LONG_AGO
    make(enqueued_at=old, retry_at=timezone.now() + LONG_AGO)
    due = make(enqueued_at=old, retry_at=old)
    jobs_reap(TrainingJob)
    assert sent == [str(due.pk)]


def test_a_job_whose_worker_lives_is_left_alone(make: Make, sent: list[str]) -> None:
    job = make(
        state=JobState.RUNNING, lease_owner="alive", lease_expires_at=timezone.now() + LONG_AGO, attempt=1
    )
    jobs_reap(TrainingJob)
    assert (seen(job).state, seen(job).lease_owner) == (JobState.RUNNING, "alive")
    assert sent == []


def test_a_job_that_was_to_be_cancelled_when_its_worker_died_is_cancelled(
    make: Make, sent: list[str]
) -> None:
    job = make(
        state=JobState.RUNNING,
        lease_owner="dead",
        lease_expires_at=timezone.now() - LONG_AGO,
        cancel_requested=True,
    )
    jobs_reap(TrainingJob)
    ended = seen(job)
    assert ended.state == JobState.CANCELLED
    assert ended.finished_at is not None
    assert sent == []


@pytest.mark.parametrize("is_asked_to_end", [False, True])
@pytest.mark.parametrize("state", [JobState.PAUSED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_has_ended_or_is_paused_is_left_alone_whatever_its_lease_says(
    make: Make, sent: list[str], state: JobState, is_asked_to_end: bool
) -> None:
    job = make(
        state=state,
        lease_owner="dead",
        lease_expires_at=timezone.now() - LONG_AGO,
        enqueued_at=timezone.now() - LONG_AGO,
        cancel_requested=is_asked_to_end,
    )
    before = seen(job)
    jobs_reap(TrainingJob)
    assert model_to_dict(seen(job)) == model_to_dict(before)
    assert sent == []
    with operator_scope():
        assert not AuditEntry.objects.unscoped().exists()


def test_a_job_whose_message_was_lost_is_called_for_again(make: Make, sent: list[str]) -> None:
    lost = make(enqueued_at=timezone.now() - LONG_AGO)
    make()  # its message is on the way
    make(state=JobState.FAILED, enqueued_at=timezone.now() - LONG_AGO)
    for _ in range(2):
        jobs_reap(TrainingJob)
    assert sent == [str(lost.pk)]


def test_folders_of_ended_and_unknown_jobs_are_deleted_and_no_others(make: Make, tmp_path: Path) -> None:
    running, ended, busy = (
        make(state=JobState.RUNNING),
        make(state=JobState.FAILED),
        make(state=JobState.FAILED),
    )
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=running.pk).update(lease_expires_at=Now())
    for name in (str(running.pk), str(ended.pk), str(uuid4()), "not-an-id"):
        WorkDir(tmp_path, name).close()
    held = WorkDir(tmp_path, str(busy.pk))
    (tmp_path / "crashes").mkdir()
    work_dirs_sweep(TrainingJob, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {str(running.pk), str(busy.pk), "crashes"}
    held.close()


def test_a_file_or_a_folder_that_is_not_the_workers_keeps_no_other_from_being_deleted(
    cast: Cast, tmp_path: Path
) -> None:
    (tmp_path / "0-notes.txt").write_text("of somebody who looked around here")
    (tmp_path / "1-strange" / "lock").mkdir(parents=True)
    ended = str(uuid4())
    WorkDir(tmp_path, ended).close()
    work_dirs_sweep(TrainingJob, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"0-notes.txt", "1-strange"}


def test_there_may_be_no_folder_yet(cast: Cast, tmp_path: Path) -> None:
    work_dirs_sweep(TrainingJob, tmp_path / "none")
