"""Whose job is next."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from portal.common.scope import operator_scope
from portal.tenants.models import Tenant
from portal.training.fair_order import jobs_in_fair_order
from portal.training.leases import job_claim_next
from portal.training.models import JobState, TrainingJob
from tests.fakes.portal import Cast, make_dataset, make_job, make_task, make_tenant

pytestmark = pytest.mark.database


def jobs_of(tenant: Tenant, number: int) -> list[TrainingJob]:
    """Queued one after the other, now."""
    dataset = make_dataset(tenant)
    return [make_job(make_task(tenant, f"task-{uuid4().hex[:8]}"), dataset) for _ in range(number)]


def claimed() -> str:
    """The tenant whose job is taken next."""
    lease = job_claim_next(TrainingJob, lease_s=30)
    assert lease is not None
    assert lease.tenant_id is not None
    return lease.tenant_id


def end(state: JobState = JobState.SUCCEEDED) -> None:
    """All that run have ended."""
    with operator_scope():
        running = TrainingJob.objects.unscoped().filter(state=JobState.RUNNING)
        running.update(state=state, lease_owner=None, lease_expires_at=None)


def test_ten_jobs_of_one_tenant_do_not_come_before_anothers_first(cast: Cast) -> None:
    jobs_of(cast.acme.tenant, 10)
    jobs_of(cast.globex.tenant, 1)
    acme, globex = str(cast.acme.tenant.pk), str(cast.globex.tenant.pk)
    assert [claimed() for _ in range(3)] == [acme, globex, acme]


def test_one_at_a_time_they_take_turns(cast: Cast) -> None:
    third = make_tenant("third")
    for tenant in (cast.acme.tenant, cast.globex.tenant, third):
        jobs_of(tenant, 3)
    order = []
    for _ in range(9):
        order.append(claimed())
        end()
    ids = [str(tenant.pk) for tenant in (cast.acme.tenant, cast.globex.tenant, third)]
    assert order == ids * 3


def test_who_has_fewer_running_comes_first_even_if_he_began_later(cast: Cast) -> None:
    jobs_of(cast.acme.tenant, 3)
    jobs_of(cast.globex.tenant, 3)
    acme, globex = str(cast.acme.tenant.pk), str(cast.globex.tenant.pk)
    assert [claimed(), claimed()] == [acme, globex]
    with operator_scope():  # globex' one has ended, acme's goes on
        done = TrainingJob.objects.unscoped().filter(tenant=cast.globex.tenant, state=JobState.RUNNING)
        done.update(state=JobState.FAILED, lease_owner=None, lease_expires_at=None)
    assert claimed() == globex


def test_a_tenants_own_jobs_come_in_their_order(cast: Cast) -> None:
    jobs = jobs_of(cast.acme.tenant, 3)
    taken = []
    for _ in jobs:
        lease = job_claim_next(TrainingJob, lease_s=30)
        assert lease is not None
        taken.append(lease.job_id)
    assert taken == [str(job.pk) for job in jobs]
    assert job_claim_next(TrainingJob, lease_s=30) is None


def test_what_lies_back_longer_than_a_day_counts_no_more(cast: Cast) -> None:
    (old, _) = jobs_of(cast.acme.tenant, 2)
    (recent, _) = jobs_of(cast.globex.tenant, 2)
    third = make_tenant("third")
    jobs_of(third, 1)
    for job, hours in ((old, 30), (recent, 10)):
        with operator_scope():
            began = timezone.now() - timedelta(hours=hours)
            TrainingJob.objects.unscoped().filter(pk=job.pk).update(
                state=JobState.SUCCEEDED, started_at=began
            )
    # Acme's is as long ago as if it had never been: its next was queued before the third's first.
    ids = [str(tenant.pk) for tenant in (cast.acme.tenant, third, cast.globex.tenant)]
    assert [claimed() for _ in ids] == ids


def test_a_dead_workers_job_is_free_and_counts_as_running_no_more(cast: Cast) -> None:
    (dead, _) = jobs_of(cast.acme.tenant, 2)
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=dead.pk).update(
            state=JobState.RUNNING, lease_owner="dead", lease_expires_at=timezone.now() - timedelta(hours=1)
        )
        assert {job.pk for job in jobs_in_fair_order(TrainingJob)} >= {dead.pk}
        assert all(job.tenant_running == 0 for job in jobs_in_fair_order(TrainingJob))


@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.QUEUED])
def test_nothing_else_is_taken(cast: Cast, state: JobState) -> None:
    (job,) = jobs_of(cast.acme.tenant, 1)
    with operator_scope():
        TrainingJob.objects.unscoped().filter(pk=job.pk).update(
            state=state, lease_expires_at=timezone.now() + timedelta(minutes=1)
        )
    assert job_claim_next(TrainingJob, lease_s=30) is None
