"""Background jobs of datasets; each may run twice without harm."""

from uuid import UUID

from celery import shared_task
from django.conf import settings

from portal.common.queue import JobName
from portal.common.store import ObjectStore
from portal.datasets import services


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
