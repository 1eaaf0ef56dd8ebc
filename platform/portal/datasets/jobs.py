"""Background jobs of datasets; each may run twice without harm."""

from uuid import UUID

from celery import current_app, shared_task
from django.conf import settings

from portal.common.queue import JobName
from portal.common.store import ObjectStore
from portal.datasets import services, uploads
from portal.datasets.config import upload_limits


@shared_task(name=JobName.DATASET_FILES_DELETE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def dataset_files_delete(id: str) -> None:
    """Delete the files of one dataset that was taken away."""
    services.dataset_files_delete(dataset_id=UUID(id), store=ObjectStore(settings.ENV.store_url))


@shared_task(name=JobName.DATASETS_SWEEP.value)  # type: ignore[untyped-decorator]  # Celery has no types
def datasets_sweep() -> None:
    """Delete the files whose deletion was called for and never happened."""
    store = ObjectStore(settings.ENV.store_url)
    for dataset_id in services.deleted_datasets():
        services.dataset_files_delete(dataset_id=dataset_id, store=store)


@shared_task(name=JobName.DATASET_EXAMINE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def dataset_examine(id: str) -> None:
    """Examine one dataset, if nobody else does."""
    services.dataset_examine(
        dataset_id=UUID(id),
        store=ObjectStore(settings.ENV.store_url),
        limits=upload_limits(),
    )


@shared_task(name=JobName.DATASETS_TIDY.value)  # type: ignore[untyped-decorator]  # Celery has no types
def datasets_tidy() -> None:
    """Ask again for examinations that never came, and forget uploads that nobody goes on with."""
    for dataset_id in services.datasets_waiting():
        current_app.send_task(JobName.DATASET_EXAMINE.value, kwargs={"id": str(dataset_id)})
    uploads.uploads_sweep(store=ObjectStore(settings.ENV.store_url))
