"""Finds jobs that nobody works on: dead workers' jobs, lost messages, scratch folders of ended jobs."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.db.models import Q
from django.db.models.functions import Now

from portal.audit.services import audit_record
from portal.common.queue import enqueue_on_commit
from portal.common.scope import operator_scope
from portal.training.crash_files import FOLDER as CRASH_FOLDER
from portal.training.fair_order import IS_DUE, jobs_in_fair_order
from portal.training.leases import COUNTED, NO_LEASE
from portal.training.models import UNFINISHED, JobState, LeasedJob
from portal.training.states import job_move
from portal.training.work_dir import WorkDir, WorkDirBusy

_NONE = Q(pk__in=())
_log = structlog.get_logger("portal.jobs")
QUIET = timedelta(seconds=30)
"""A queued job without a message for so long may have lost it: one more does no harm."""


def jobs_reap(model: type[LeasedJob]) -> None:
    """Queue, or cancel, jobs whose lease has expired; call again for jobs that wait too long."""
    with operator_scope():
        jobs = model.objects.unscoped()
        # A locked row is being written by its worker or another reaper: not lost, or taken care of.
        unlocked = jobs.select_for_update(skip_locked=True, of=("self",)).select_related("tenant")
        for job in unlocked.filter(state=JobState.RUNNING, lease_expires_at__lt=Now()):
            _take_back(job)
        for job in unlocked.filter(IS_DUE, state=JobState.QUEUED, enqueued_at__lt=Now() - QUIET):
            jobs.filter(pk=job.pk).update(enqueued_at=Now())
            enqueue_on_commit(job.job_name, id=str(job.pk))


def call_for_next(model: type[LeasedJob]) -> None:
    """Send a message for the free job whose turn it is, if there is one; too many do no harm."""
    with operator_scope():
        job_id = jobs_in_fair_order(model).values_list("pk", flat=True).first()
        if job_id is not None:
            enqueue_on_commit(model.job_name, id=str(job_id))


def work_dirs_sweep(model: type[LeasedJob], root: Path, *, also_kept: Q = _NONE) -> None:
    """Delete the scratch folders under ``root`` whose job has ended or is gone, if nothing runs in them;
    ``also_kept``: ended jobs whose folders stay. What cannot be deleted keeps no other from it."""
    found = root.iterdir() if root.is_dir() else ()
    folders = [path for path in found if path.is_dir() and path.name != CRASH_FOLDER]
    with operator_scope():
        kept = model.objects.unscoped().filter(Q(state__in=UNFINISHED) | also_kept)
        needed = set(kept.values_list("pk", flat=True))
    for folder in folders:
        if _job_id(folder.name) not in needed:
            try:
                WorkDir(root, folder.name).delete()
            except WorkDirBusy:
                continue  # its process is about to end
            except OSError as exc:  # not the worker's own
                _log.warning("job.folder_not_deleted", folder=str(folder), reason=exc.strerror)


def _take_back(job: Any) -> None:
    """``job`` is locked and its lease has expired."""
    this = type(job).objects.unscoped().filter(pk=job.pk)
    if job.cancel_requested:
        job_move(this, JobState.CANCELLED, **NO_LEASE, finished_at=Now(), eta_s=None)
        audit_record(actor=f"job:{job.pk}", action=f"{job.kind}.cancelled", target=job, tenant=job.tenant)
    else:
        job_move(this, JobState.QUEUED, **NO_LEASE, enqueued_at=Now(), eta_s=None, attempt=COUNTED)
        enqueue_on_commit(job.job_name, id=str(job.pk))


def _job_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
