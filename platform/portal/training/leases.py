"""Who works on a job: claimed by compare-and-set, kept by heartbeats, the fence of every write."""

import os
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import uuid4

import structlog
from django.db import connection
from django.db.models import Case, F, PositiveIntegerField, QuerySet, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Greatest, Now

from portal.common.release import newer_migrations
from portal.common.scope import operator_scope, tenant_scope
from portal.training.fair_order import IS_FREE, jobs_in_fair_order
from portal.training.machine import machine
from portal.training.memory import has_room
from portal.training.models import JobState, LeasedJob
from portal.training.states import job_move
from wire.ids import JobId, TenantId

_log = structlog.get_logger("portal.jobs")
MAX_STALL = "10s"
NO_LEASE = {"lease_owner": None, "lease_expires_at": None}
_COUNT: "PositiveIntegerField[int, int]" = PositiveIntegerField()
MIN_PROGRESS = 0.01
"""Of the whole job's work: an attempt that did so much is none of those after which a job is given up."""
COUNTED = Case(
    When(share__gte=F("claimed_share") + MIN_PROGRESS, attempt__gt=0, then=F("attempt") - 1),
    default=F("attempt"),
    output_field=_COUNT,
)
"""The attempts that count, when the last of them has ended."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one job; lost for good when it expires and another worker claims the job."""

    model: type[LeasedJob]
    job_id: JobId
    tenant_id: TenantId | None  # None: the job concerns no tenant alone
    token: str
    attempt: int  # 1, 2, ...


class LeaseLost(Exception):
    """Another worker has the job now, or it has ended: stop, and leave everything as it is."""


class Heartbeat(Enum):
    """What the holder of a lease hears."""

    GO_ON = "go_on"
    CANCEL = "cancel"
    LOST = "lost"


def job_claim(model: type[LeasedJob], *, job_id: JobId, lease_s: float) -> Lease | None:
    """Take a queued job, or one whose lease has expired; None when there is nothing to take."""
    with operator_scope():
        _lose_locks_in_a_stall()
        # Who reads the table is told the host's name; nothing goes by it.
        token = f"{machine()}:{os.getpid()}:{uuid4().hex}:{socket.gethostname()[:64]}"
        job = model.objects.unscoped().filter(pk=job_id)
        is_claimed = job_move(
            job.filter(IS_FREE),
            JobState.RUNNING,
            # One whose worker died was not given back: then its attempt has not been judged yet.
            attempt=Case(
                When(state=JobState.RUNNING, then=COUNTED), default=F("attempt"), output_field=_COUNT
            )
            + 1,
            claimed_share=F("share"),
            retry_at=None,
            error=None,
            lease_owner=token,
            lease_expires_at=_in(lease_s),
            started_at=Coalesce("started_at", Now()),
        )
        if not is_claimed:
            return None
        claimed = job.get()
        tenant_id = None if claimed.tenant_id is None else TenantId(str(claimed.tenant_id))
        return Lease(model, job_id, tenant_id, token, claimed.attempt)


def job_claim_next(
    model: type[LeasedJob],
    *,
    lease_s: float,
    memory_bytes: int | None = None,
    max_running: int | None = None,
) -> Lease | None:
    """Take the free job whose turn it is, whoever called for a worker; None when none is free, or when it has
    to wait: ``max_running`` of its kind run on this machine, or there is no room for it in the
    ``memory_bytes`` that they have there. A worker of an older release than the tables takes none."""
    newer = newer_migrations(connection.alias)
    if newer:
        _log.error("job.older_release", kind=model.kind, migrations=newer)
        return None
    with operator_scope():
        _lose_locks_in_a_stall()
        with connection.cursor() as cursor:  # one at a time: who is second sees what the first has taken
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [model.job_name.value])
        job = jobs_in_fair_order(model).first()
        if job is None:
            return None
        running = _running_here(model)
        if max_running is not None and running.count() >= max_running:
            return None
        if memory_bytes is not None and not has_room(job, running=running, memory_bytes=memory_bytes):
            return None  # the next in turn does not overtake it: it would wait for ever
        return job_claim(model, job_id=JobId(str(job.pk)), lease_s=lease_s)


def job_heartbeat(*, lease: Lease, lease_s: float, num_bytes: int | None = None) -> Heartbeat:
    """Extend the lease, note what memory the process takes, and hear what to do."""
    with lease_scope(lease):
        peak = {} if num_bytes is None else {"peak_bytes": Greatest(Coalesce("peak_bytes", 0), num_bytes)}
        if not held_by(lease).update(lease_expires_at=_in(lease_s), **peak):
            return Heartbeat.LOST
        is_cancelled = held_by(lease).values_list("cancel_requested", flat=True).get()
        return Heartbeat.CANCEL if is_cancelled else Heartbeat.GO_ON


@contextmanager
def lease_scope(lease: Lease) -> Iterator[None]:
    """The job's scope for a write under the lease; a worker that stalls in it loses its lock."""
    with scope_of(lease):
        _lose_locks_in_a_stall()
        yield


def scope_of(lease: Lease) -> AbstractContextManager[None]:
    """The scope of the job's tenant; the operator's where it has none."""
    return operator_scope() if lease.tenant_id is None else tenant_scope(lease.tenant_id)


def held_by(lease: Lease) -> QuerySet[Any]:
    """The lease's job, or nothing when the lease is lost: the fence before every write. Needs a scope."""
    return lease.model.objects.unscoped().filter(
        pk=lease.job_id, state=JobState.RUNNING, lease_owner=lease.token
    )


def _lose_locks_in_a_stall() -> None:
    """What this transaction has locked is free again when its worker stalls in it: others may wait for it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [MAX_STALL])


def _running_here(model: type[LeasedJob]) -> QuerySet[Any]:
    running = model.objects.unscoped().filter(state=JobState.RUNNING, lease_expires_at__gte=Now())
    return running.filter(lease_owner__startswith=f"{machine()}:")


def _in(seconds: float) -> Combinable:
    """The database's time in so many seconds: workers' clocks may differ."""
    return Now() + timedelta(seconds=seconds)
