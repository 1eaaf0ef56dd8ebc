"""What a tenant does with imports: bring an adapter in PEFT's format, and call it off."""

import shutil
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID, uuid4

from django.db import transaction

from portal.audit.services import audit_record
from portal.catalog.models import Task
from portal.catalog.selectors import backbone_default, general_tree
from portal.catalog.services import task_lock
from portal.common.errors import Conflict, InvalidField, PortalError
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.refusals import unless_taken
from portal.common.store import ObjectStore
from portal.tenants.actors import Actor
from portal.training.import_places import archive_uri
from portal.training.models import AdapterImport
from portal.training.outcomes import job_cancel
from portal.training.services import dataset_for_task
from wire.errors import ErrorCode
from wire.ids import TenantId
from wire.imports import MAX_ARCHIVE_BYTES

ARCHIVE_STARTS = (b"PK\x03\x04", b"\x1f\x8b")
TAR_PLACE, TAR_MARK = 257, b"ustar"


@dataclass(frozen=True, slots=True)
class Archive:
    """A file as it was uploaded."""

    file: BinaryIO
    name: str
    num_bytes: int


@transaction.atomic
def import_create(
    *,
    task: Task,
    archive: Archive,
    dataset_id: UUID | None,
    min_agreement: float,
    store: ObjectStore,
    acting: Actor,
) -> AdapterImport:
    """Queue the import of an adapter for ``task``; one at a time for each task."""
    _check_archive(archive)
    dataset = None if dataset_id is None else dataset_for_task(task, dataset_id)
    task_lock(task)  # its deletion has come before, and is seen here, or comes after, and is refused
    general_tree(tenant=task.tenant, backbone=backbone_default())  # raises not_ready
    import_id = uuid4()
    job = AdapterImport(
        id=import_id,
        tenant=task.tenant,
        task=task,
        dataset=dataset,
        needs_dataset=dataset is not None,
        file_name=archive.name[:200],
        archive_uri=archive_uri(TenantId(str(task.tenant_id)), import_id),
        num_bytes=archive.num_bytes,
        min_agreement=min_agreement,
        created_by=acting.user,
    )
    _save_unless_one_is_open(job)
    with store.write(job.archive_uri) as file:
        shutil.copyfileobj(archive.file, file)
    audit_record(
        actor=acting.name,
        action="import.create",
        target=job,
        tenant=task.tenant,
        task=task.slug,
        num_bytes=archive.num_bytes,
    )
    enqueue_on_commit(JobName.IMPORT_RUN, id=str(job.pk))
    return job


@transaction.atomic
def import_cancel(*, job: AdapterImport, acting: Actor) -> None:
    """See job_cancel."""
    if not job_cancel(jobs=AdapterImport.objects.for_tenant(job.tenant).filter(pk=job.pk)):
        raise Conflict("This import has ended already.")
    audit_record(actor=acting.name, action="import.cancel", target=job, tenant=job.tenant)


def _save_unless_one_is_open(job: AdapterImport) -> None:
    with unless_taken(
        Conflict("An import for this task is queued or running: wait for its end, or cancel it first.")
    ):
        job.save(force_insert=True)


def _check_archive(archive: Archive) -> None:
    """What can be told at once; the rest is the process's, which trusts nothing of it."""
    if archive.num_bytes > MAX_ARCHIVE_BYTES:
        raise PortalError(
            f"An adapter's archive has at most {MAX_ARCHIVE_BYTES >> 20} MiB.",
            code=ErrorCode.BODY_TOO_LARGE,
            param="file",
        )
    start = archive.file.read(TAR_PLACE + len(TAR_MARK))
    archive.file.seek(0)
    if not (start.startswith(ARCHIVE_STARTS) or start[TAR_PLACE:] == TAR_MARK):
        raise InvalidField("file", "This is no archive: pack the adapter's folder as .zip, .tar or .tar.gz.")
