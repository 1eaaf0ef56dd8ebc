"""Background jobs of domains; each may run twice without harm."""

from dataclasses import replace
from pathlib import Path

from celery import shared_task
from django.conf import settings

from portal.common.queue import JobName
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.domains import reconcile
from portal.domains.job_work import SuggestWork, UpdateWork
from portal.domains.models import DomainJob, DomainJobKind
from portal.training import reaper
from portal.training.config import runner_config
from portal.training.runner import RunnerConfig, run_job
from wire.ids import JobId


@shared_task(name=JobName.DOMAIN_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def domain_run(id: str) -> None:
    """Work on one job of a domain, if nobody else does."""
    with operator_scope():
        does = DomainJob.objects.unscoped().filter(pk=id).values_list("does", flat=True).first()
    if does == DomainJobKind.UPDATE:
        run_job(UpdateWork(_store()), JobId(id), domain_config("update"))
    elif does == DomainJobKind.SUGGEST:
        run_job(SuggestWork(), JobId(id), domain_config("suggest"))


@shared_task(name=JobName.DOMAINS_RECONCILE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def domains_reconcile() -> None:
    """Forget what was deleted, follow what is new, take up what dead workers left."""
    reaper.jobs_reap(DomainJob)
    reaper.work_dirs_sweep(DomainJob, work_root())
    reconcile.reconcile(_store())


@shared_task(name=JobName.STORE_SWEEP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def store_sweep() -> None:
    """Delete bundles that nobody knows."""
    reconcile.leftovers_delete(_store())


def domain_config(action: str) -> RunnerConfig:
    """As a training's, with another command and another scratch folder."""
    config = runner_config()
    command = (settings.ENV.training_python, "-m", "hmi.cli", "domain", action)
    return replace(config, command=command, work_root=work_root())


def work_root() -> Path:
    """Where the jobs' scratch folders are."""
    return Path(settings.ENV.work_dir) / "domains"


def _store() -> ObjectStore:
    return ObjectStore(settings.ENV.store_url)
