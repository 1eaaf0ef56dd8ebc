"""Background jobs of trainings; each may run twice without harm."""

from celery import shared_task

from portal.common.queue import JobName
from portal.training import reaper
from portal.training.config import runner_config, work_root
from portal.training.runner import run_training
from wire.ids import JobId


@shared_task(name=JobName.TRAINING_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_run(id: str) -> None:
    """Work on one training, if nobody else does."""
    run_training(JobId(id), runner_config())


@shared_task(name=JobName.TRAINING_REAP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_reap() -> None:
    """Take up what dead workers left."""
    reaper.training_reap()
    reaper.work_dirs_sweep(work_root())
