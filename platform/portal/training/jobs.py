"""Background jobs of trainings; each may run twice without harm."""

from celery import shared_task
from django.conf import settings

from portal.common.queue import JobName
from portal.common.store import ObjectStore
from portal.training import reaper
from portal.training.config import (
    estimate_config,
    estimate_work_root,
    import_config,
    import_work_root,
    runner_config,
    states_root,
    work_root,
)
from portal.training.estimate_work import EstimateWork
from portal.training.import_work import ImportWork
from portal.training.models import AdapterImport, TrainingEstimate, TrainingJob
from portal.training.reaper import call_for_next
from portal.training.runner import run_next_job
from portal.training.state_cache import states_sweep
from portal.training.training_work import TrainingWork
from portal.training.try_again import CAN_BE_TRIED_AGAIN


@shared_task(name=JobName.TRAINING_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_run(id: str) -> None:
    """Work on the training whose turn it is: the one that called for a worker may have to wait."""
    work = TrainingWork(ObjectStore(settings.ENV.store_url), states_root())
    if run_next_job(work, runner_config()):
        call_for_next(TrainingJob)  # one that had to wait for this one's memory


@shared_task(name=JobName.ESTIMATE_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def estimate_run(id: str) -> None:
    """Work on the estimate whose turn it is."""
    run_next_job(EstimateWork(), estimate_config())


@shared_task(name=JobName.IMPORT_RUN.value)  # type: ignore[untyped-decorator]  # Celery has no types
def import_run(id: str) -> None:
    """Work on the import whose turn it is."""
    run_next_job(ImportWork(ObjectStore(settings.ENV.store_url)), import_config())


@shared_task(name=JobName.TRAINING_REAP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def training_reap() -> None:
    """Take up what dead workers left, and delete what nobody needs, or may need, any more."""
    reaper.jobs_reap(TrainingJob)
    reaper.work_dirs_sweep(TrainingJob, work_root(), also_kept=CAN_BE_TRIED_AGAIN)
    for model, folder in ((TrainingEstimate, estimate_work_root()), (AdapterImport, import_work_root())):
        reaper.jobs_reap(model)
        reaper.work_dirs_sweep(model, folder)
    states_sweep(states_root())
