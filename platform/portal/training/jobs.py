"""Background jobs of trainings; each may run twice without harm."""

from celery import shared_task
from django.conf import settings

from portal.common.queue import JobName
from portal.common.store import ObjectStore
from portal.training import reaper
from portal.training.config import runner_config, work_root
from portal.training.models import TrainingJob
from portal.training.runner import run_job
from portal.training.training_work import TrainingWork
from wire.ids import JobId


@shared_task(name=JobName.TRAINING_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_run(id: str) -> None:
    """Work on one training, if nobody else does."""
    run_job(TrainingWork(ObjectStore(settings.ENV.store_url)), JobId(id), runner_config())


@shared_task(name=JobName.TRAINING_REAP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_reap() -> None:
    """Take up what dead workers left."""
    reaper.jobs_reap(TrainingJob)
    reaper.work_dirs_sweep(TrainingJob, work_root())
