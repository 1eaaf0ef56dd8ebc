"""Making and deleting datasets."""

from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID, uuid4

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import InUse
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets.columns import ColumnChoice
from portal.datasets.ingest import UploadLimits, ingest
from portal.datasets.models import Dataset
from portal.datasets.places import DatasetPlaces
from portal.tenants.actors import Actor
from portal.tenants.models import Tenant
from wire.codec import to_plain
from wire.ids import DatasetId, TenantId

_log = structlog.get_logger("portal.datasets")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived, on disk or in memory."""

    file: BinaryIO
    file_name: str


@transaction.atomic
def dataset_create(
    *,
    tenant: Tenant,
    upload: Upload,
    name: str,
    choice: ColumnChoice,
    limits: UploadLimits,
    store: ObjectStore,
    acting: Actor,
) -> Dataset:
    """Check the upload, write it to the store, and note it. Raises DatasetRefused; then nothing stays."""
    dataset_id = uuid4()
    places = places_of(tenant.pk, dataset_id)
    done = ingest(
        upload.file, file_name=upload.file_name, choice=choice, limits=limits, store=store, places=places
    )
    try:
        dataset = Dataset(
            id=dataset_id,
            tenant=tenant,
            name=name,
            format=done.format.value,
            original_uri=places.original_uri,
            rows_uri=places.rows_uri,
            num_bytes=done.num_bytes,
            sha256=done.sha256,
            num_rows=done.summary.num_rows,
            labels=to_plain(done.summary.labels),
            text_column=done.columns.text,
            label_column=done.columns.label,
            warnings=to_plain(done.warnings),
            created_by=acting.user,
        )
        with transaction.atomic():
            dataset.save(force_insert=True)
            audit_record(
                actor=acting.name,
                action="dataset.create",
                target=dataset,
                tenant=tenant,
                num_rows=dataset.num_rows,
                sha256=dataset.sha256,
            )
    except BaseException:
        store.delete(places.folder_uri)
        raise
    return dataset


@transaction.atomic
def dataset_delete(*, dataset: Dataset, acting: Actor) -> None:
    """Take the dataset away; its files and its segment go in the background. InUse while it is trained on."""
    try:
        with transaction.atomic():
            dataset.deleted_at = timezone.now()
            dataset.save(update_fields=["deleted_at"])
    except IntegrityError as exc:  # the trigger dataset_in_use of the training app
        raise InUse("A training uses this dataset: wait for its end, or cancel it first.") from exc
    audit_record(
        actor=acting.name,
        action="dataset.delete",
        target=dataset,
        tenant=dataset.tenant,
        sha256=dataset.sha256,
    )
    enqueue_on_commit(JobName.DATASET_FILES_DELETE, id=str(dataset.pk))


def dataset_files_delete(*, dataset_id: UUID, store: ObjectStore) -> None:
    """Delete the files of a dataset that was taken away, and then its row; may run twice."""
    with operator_scope():
        dataset = Dataset.objects.unscoped().filter(pk=dataset_id, deleted_at__isnull=False).first()
    if dataset is None:
        return
    places = places_of(dataset.tenant_id, dataset.pk)
    store.delete(places.folder_uri)
    store.delete(places.segment_uri)
    with operator_scope():
        dataset.delete()
    _log.info("dataset.files_deleted", dataset=str(dataset_id), tenant=str(dataset.tenant_id))


def deleted_datasets() -> list[UUID]:
    """Those whose files are still to be deleted."""
    with operator_scope():
        return list(Dataset.objects.unscoped().exclude(deleted_at=None).values_list("pk", flat=True))


def places_of(tenant_id: UUID, dataset_id: UUID) -> DatasetPlaces:
    """Where the dataset's files lie."""
    return DatasetPlaces(TenantId(str(tenant_id)), DatasetId(str(dataset_id)))
