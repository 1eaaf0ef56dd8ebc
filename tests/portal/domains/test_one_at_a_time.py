"""Domains' jobs have a place and memory of their own on a machine: one at a time, whatever trainings run."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from portal.catalog.models import Domain
from portal.common.queue import JobName
from portal.common.scope import operator_scope
from portal.domains.jobs import AT_A_TIME, domain_config, domain_run
from portal.domains.models import DomainJob, DomainJobKind
from portal.tenants.models import Tenant
from portal.training import reaper
from portal.training.config import runner_config
from portal.training.leases import Lease, job_claim_next
from portal.training.machine import machine
from portal.training.models import JobState, LeasedJob, TrainingJob
from portal.training.reaper import jobs_reap
from tests.fakes.portal import Cast, make_dataset, make_general, make_job, make_task
from tests.fakes.training import refusing_python

pytestmark = pytest.mark.database


def update(domain: Domain, **fields: Any) -> DomainJob:
    job = DomainJob(tenant=domain.tenant, domain=domain, does=DomainJobKind.UPDATE, **fields)
    with operator_scope():
        job.save()
    return job


@pytest.fixture
def domains(cast: Cast) -> list[Domain]:
    """Two of acme's and one of globex's."""
    make_general()
    acme, globex = cast.acme.tenant, cast.globex.tenant
    return [make_task(tenant, slug).domain for tenant, slug in ((acme, "a"), (acme, "b"), (globex, "c"))]


def claimed() -> Lease | None:
    """As the worker does it."""
    return job_claim_next(DomainJob, lease_s=30, max_running=domain_config("update").max_running)


def end(lease: Lease | None) -> None:
    assert lease is not None
    with operator_scope():
        row = lease.model.objects.unscoped().filter(pk=lease.job_id)
        row.update(state=JobState.SUCCEEDED, lease_owner=None, lease_expires_at=None)


def running(**changes: Any) -> dict[str, Any]:
    until = timezone.now() + timedelta(minutes=1)
    owner = f"{machine()}:1:abc"
    return {"state": JobState.RUNNING, "lease_owner": owner, "lease_expires_at": until, **changes}


def is_of(lease: Lease | None, job: LeasedJob) -> bool:
    return lease is not None and lease.job_id == str(job.pk)


def train(tenant: Tenant, name: str, gib: float, **fields: Any) -> TrainingJob:
    return make_job(make_task(tenant, name), make_dataset(tenant), memory_bytes=round(gib * 2**30), **fields)


def claimed_training() -> Lease | None:
    config = runner_config()
    return job_claim_next(
        TrainingJob, lease_s=30, memory_bytes=config.memory_bytes, max_running=config.max_running
    )


def test_one_runs_at_a_time_and_the_others_have_their_turns(domains: list[Domain]) -> None:
    first, second, third = (update(domain) for domain in domains)
    one = claimed()
    assert is_of(one, first) and claimed() is None
    end(one)
    other_tenants = claimed()
    assert is_of(other_tenants, third), "no tenant's ten before another's first"
    end(other_tenants)
    assert is_of(claimed(), second)


def test_an_update_begins_beside_trainings_that_fill_their_memory_and_they_beside_it(
    cast: Cast, domains: list[Domain]
) -> None:
    most = settings.ENV.training_memory_bytes / 2**30
    first, second = (train(cast.acme.tenant, name, most) for name in ("large", "second"))
    begun = claimed_training()
    assert is_of(begun, first) and claimed_training() is None, "there is no memory for another"
    forgets = update(domains[0])
    updating = claimed()
    assert is_of(updating, forgets), "forgetting waits for no training"
    end(begun)
    assert is_of(claimed_training(), second), "and no training for an update"
    end(updating)


def test_the_smallest_trainings_leave_the_place_of_domains_jobs_free(cast: Cast) -> None:
    make_general()
    places = settings.ENV.training_places
    for number in range(places + 1):
        train(cast.acme.tenant, f"small-{number}", 0.001)
    begun = [claimed_training() for _ in range(places + 1)]
    assert [lease is not None for lease in begun] == [True] * places + [False]
    assert places + AT_A_TIME == settings.CELERY_WORKER_CONCURRENCY


@pytest.mark.parametrize(
    ("changes", "is_counted"),
    [
        ({}, True),
        ({"lease_expires_at": timezone.now() - timedelta(minutes=1)}, False),  # its worker was killed
        ({"lease_owner": f"elsewhere:1:abc:{socket.gethostname()}"}, False),  # whatever it is called
        ({"lease_owner": f"{socket.gethostname()}:1:abc"}, False),
    ],
)
def test_what_runs_on_this_machine_counts_and_what_was_killed_does_not(
    domains: list[Domain], changes: dict[str, Any], is_counted: bool
) -> None:
    update(domains[0], **running(**changes))
    update(domains[2])
    assert (claimed() is None) is is_counted


def test_a_machine_that_gets_another_name_meanwhile_has_one_place_as_before(
    domains: list[Domain], monkeypatch: pytest.MonkeyPatch
) -> None:
    for domain in domains[::2]:
        update(domain)
    first = claimed()
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    assert first is not None and claimed() is None
    end(first)
    assert claimed() is not None


def test_a_killed_one_is_taken_up_again(domains: list[Domain]) -> None:
    killed = update(domains[0], **running(lease_expires_at=timezone.now() - timedelta(minutes=1)))
    jobs_reap(DomainJob)
    with operator_scope():
        killed.refresh_from_db()
    assert (killed.state, killed.lease_owner) == (JobState.QUEUED, None)
    assert is_of(claimed(), killed)


def test_when_one_ends_the_one_that_waited_is_called_for(
    domains: list[Domain], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes = {"work_dir": tmp_path, "training_python": str(refusing_python(tmp_path))}
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update=changes))
    sent: list[tuple[JobName, str]] = []
    monkeypatch.setattr(reaper, "enqueue_on_commit", lambda name, id: sent.append((name, id)))
    first, second = update(domains[0]), update(domains[2])
    domain_run(str(second.pk))
    with operator_scope():
        states = [DomainJob.objects.unscoped().get(pk=job.pk).state for job in (first, second)]
    assert states == [JobState.FAILED, JobState.QUEUED], "the one whose turn it was"
    assert sent == [(JobName.DOMAIN_RUN, str(second.pk))]
    domain_run(str(second.pk))
    assert len(sent) == 1, "nobody waits"
    domain_run(str(second.pk))
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 2, "a message too many does no harm"
