"""Claiming, keeping and losing the right to work on a job."""

import select
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import InternalError, connection
from django.utils import timezone

from portal.common.scope import operator_scope
from portal.training import leases
from portal.training.fair_order import jobs_in_fair_order
from portal.training.leases import (
    Heartbeat,
    Lease,
    LeaseLost,
    job_claim,
    job_claim_next,
    job_heartbeat,
)
from portal.training.models import JobState, TrainingEvent, TrainingJob
from portal.training.outcomes import job_give_back, job_retry, job_stop
from portal.training.states import SOURCES, job_move
from portal.training.training_work import training_progress
from tests.conftest import DatabaseUrls
from tests.fakes.portal import Cast, make_dataset, make_job, make_task
from wire.ids import JobId
from wire.training import Phase, Progress

pytestmark = pytest.mark.database
PROGRESS = Progress(
    phase=Phase.TRAINING, step=3, num_steps=9, loss=0.5, validation_accuracy=0.8, eta_s=4.0, message="x" * 600
)


@pytest.fixture
def job(cast: Cast) -> TrainingJob:
    return make_job(make_task(cast.acme.tenant), make_dataset(cast.acme.tenant))


def claim(job: TrainingJob, *, lease_s: float = 30.0) -> Lease:
    lease = job_claim(TrainingJob, job_id=JobId(str(job.pk)), lease_s=lease_s)
    assert lease is not None
    return lease


def test_a_worker_older_than_the_tables_takes_nothing(job: TrainingJob, database_urls: DatabaseUrls) -> None:
    newer = ("training", "9999_of_a_later_release")
    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", newer)
        try:
            assert job_claim_next(TrainingJob, lease_s=30.0) is None
        finally:
            owner.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", newer)
    assert seen(job).state == JobState.QUEUED and seen(job).attempt == 0
    assert job_claim_next(TrainingJob, lease_s=30.0) is not None


def seen(job: TrainingJob) -> TrainingJob:
    with operator_scope():
        return TrainingJob.objects.unscoped().get(pk=job.pk)


def test_a_queued_job_is_claimed_once(job: TrainingJob) -> None:
    before = timezone.now()
    lease = claim(job)
    after = timezone.now()
    assert lease.attempt == 1
    assert lease.tenant_id == str(job.tenant_id)
    assert job_claim(TrainingJob, job_id=lease.job_id, lease_s=30) is None
    running = seen(job)
    assert (running.state, running.attempt, running.lease_owner) == (JobState.RUNNING, 1, lease.token)
    assert running.lease_expires_at is not None
    assert before <= running.lease_expires_at - timedelta(seconds=30) <= after


def test_an_expired_lease_can_be_claimed_and_the_first_holder_hears_of_it(job: TrainingJob) -> None:
    first = claim(job, lease_s=-1)
    second = claim(job)
    assert second.attempt == 2
    assert job_heartbeat(lease=first, lease_s=30) is Heartbeat.LOST
    assert job_heartbeat(lease=second, lease_s=30) is Heartbeat.GO_ON


def test_an_attempt_whose_worker_died_does_not_count_if_it_got_further(job: TrainingJob) -> None:
    training_progress(lease=claim(job, lease_s=-1), progress=replace(PROGRESS, share=0.3))
    again = claim(job, lease_s=-1)
    assert again.attempt == 1
    training_progress(lease=again, progress=replace(PROGRESS, share=0.305))
    assert claim(job).attempt == 2, "so little is nothing"


def test_a_heartbeat_saves_an_expired_lease_that_nobody_claimed(job: TrainingJob) -> None:
    lease = claim(job, lease_s=-1)
    assert job_heartbeat(lease=lease, lease_s=30) is Heartbeat.GO_ON
    assert job_claim(TrainingJob, job_id=lease.job_id, lease_s=30) is None


def test_a_heartbeat_tells_of_a_cancelling(job: TrainingJob) -> None:
    lease = claim(job)
    with operator_scope():
        TrainingJob.objects.unscoped().update(cancel_requested=True)
    assert job_heartbeat(lease=lease, lease_s=30) is Heartbeat.CANCEL


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_stalls_amid_its_claim_holds_no_other_up(
    job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was stopped held the lock under which all claim, for as long as it was."""

    def stalls(model: type[TrainingJob]) -> Any:
        assert connection.connection is not None
        assert select.select([connection.connection.fileno()], [], [], 60)[0], "its session goes on"
        return jobs_in_fair_order(model)

    with monkeypatch.context() as stalling, pytest.raises(InternalError):
        stalling.setattr(leases, "MAX_STALL", "1ms")
        stalling.setattr(leases, "jobs_in_fair_order", stalls)
        job_claim_next(TrainingJob, lease_s=30)
    connection.close()
    assert job_claim_next(TrainingJob, lease_s=30) is not None


def test_an_unknown_job_cannot_be_claimed(cast: Cast) -> None:
    assert job_claim(TrainingJob, job_id=JobId("00000000-0000-4000-8000-000000000000"), lease_s=30) is None


def test_only_the_holder_writes(job: TrainingJob) -> None:
    lost, held = claim(job, lease_s=-1), claim(job)
    for write in (job_retry, job_give_back, job_stop):
        with pytest.raises(LeaseLost):
            write(lease=lost)
    with pytest.raises(LeaseLost):
        training_progress(lease=lost, progress=PROGRESS)
    training_progress(lease=held, progress=PROGRESS)
    with operator_scope():
        (event,) = TrainingEvent.objects.unscoped().filter(job=job)
    assert (event.seq, event.step, len(event.message)) == (1, 3, 500)
    assert (seen(job).state, seen(job).eta_s) == (JobState.RUNNING, 4.0)


def test_the_share_that_is_done_never_falls_whatever_a_process_says(job: TrainingJob) -> None:
    lease = claim(job)
    told = []
    # A killed process' successor begins by saying none, and repeats what had not been kept.
    for share in (None, 0.2, 0.6, None, 0.0, 0.5, 0.7):
        training_progress(lease=lease, progress=replace(PROGRESS, share=share))
        told.append(seen(job).share)
    assert told == [0.0, 0.2, 0.6, 0.6, 0.6, 0.6, 0.7]


def test_giving_back_does_not_count_as_an_attempt_and_trying_again_does(job: TrainingJob) -> None:
    job_give_back(lease=claim(job))
    assert (seen(job).state, seen(job).attempt) == (JobState.QUEUED, 0)
    with operator_scope():
        TrainingJob.objects.unscoped().update(retry_at=None)  # it waits a moment
    job_retry(lease=claim(job))
    assert (seen(job).state, seen(job).attempt) == (JobState.QUEUED, 1)


@pytest.mark.parametrize("source", JobState)
@pytest.mark.parametrize("to", JobState)
def test_a_job_moves_only_from_a_state_before(job: TrainingJob, source: JobState, to: JobState) -> None:
    with operator_scope():
        TrainingJob.objects.unscoped().update(state=source)
        picked = TrainingJob.objects.unscoped().filter(pk=job.pk)
        assert job_move(picked, to) is (source in SOURCES[to])
        assert picked.get().state == (to if source in SOURCES[to] else source)


def test_no_move_leads_out_of_an_end_but_another_try_of_what_failed() -> None:
    ends = {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}
    leaving = {(source, to) for to, sources in SOURCES.items() for source in sources if source in ends}
    assert leaving == {(JobState.FAILED, JobState.QUEUED)}
