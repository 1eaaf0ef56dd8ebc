"""Background jobs of domains; each may run twice without harm."""

from dataclasses import replace
from pathlib import Path

from celery import shared_task
from django.conf import settings

from portal.common.locks import session_lock
from portal.common.queue import JobName
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.domains import reconcile
from portal.domains.job_work import SuggestWork, UpdateWork
from portal.domains.models import DomainJob, DomainJobKind
from portal.training import reaper
from portal.training.bundle_copies import copies_sweep
from portal.training.config import copies_root, runner_config
from portal.training.leases import job_claim_next
from portal.training.reaper import call_for_next
from portal.training.runner import RunnerConfig, run_lease

AT_A_TIME = 1
"""Domains' jobs on one machine: the worker has a place and memory for one beside its trainings, so that
forgetting waits for no training, and no training for it. docs/operations.md says how much memory."""

RECONCILE_LOCK = 0x686D692D74726565


@shared_task(name=JobName.DOMAIN_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def domain_run(id: str) -> None:
    """Work on the job of a domain whose turn it is, if no other runs here: see AT_A_TIME."""
    lease = job_claim_next(DomainJob, lease_s=settings.ENV.training_lease_s, max_running=AT_A_TIME)
    if lease is None:
        return
    with operator_scope():
        does = DomainJobKind(DomainJob.objects.unscoped().values_list("does", flat=True).get(pk=lease.job_id))
    work = UpdateWork(_store()) if does is DomainJobKind.UPDATE else SuggestWork()
    run_lease(work, lease, domain_config(does.value))
    call_for_next(DomainJob)  # one that had to wait for this one's end


@shared_task(name=JobName.DOMAINS_RECONCILE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def domains_reconcile() -> None:
    """Forget what was deleted, follow what is new, take up what dead workers left."""
    reaper.jobs_reap(DomainJob)
    reaper.work_dirs_sweep(DomainJob, work_root())
    with session_lock(RECONCILE_LOCK) as is_alone:
        if is_alone:  # a second round at once would ask, and tell, for the same
            reconcile.reconcile(_store())


@shared_task(name=JobName.STORE_SWEEP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def store_sweep() -> None:
    """Delete bundles that nobody knows, and the copies that jobs have kept of deleted ones."""
    store = _store()
    reconcile.leftovers_delete(store)
    copies_sweep(copies_root(), store)


def domain_config(action: str) -> RunnerConfig:
    """As a training's, with another command, another scratch folder, and memory of its own."""
    config = runner_config()
    command = (settings.ENV.training_python, "-m", "hmi.cli", "domain", action)
    return replace(config, command=command, work_root=work_root(), memory_bytes=None, max_running=AT_A_TIME)


def work_root() -> Path:
    """Where the jobs' scratch folders are."""
    return Path(settings.ENV.work_dir) / "domains"


def _store() -> ObjectStore:
    return ObjectStore(settings.ENV.store_url)
