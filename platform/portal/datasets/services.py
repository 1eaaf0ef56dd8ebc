"""Making datasets, mending and examining them, and deleting them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import structlog
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import Conflict, InUse, InvalidField
from portal.common.locks import session_lock
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.refusals import unless_refused_by, unless_taken
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.declared import Declared, declared_of
from portal.datasets.doctor import Examination, Report, UploadLimits, is_parquet
from portal.datasets.encoding import CHUNK_BYTES, too_many_bytes
from portal.datasets.examine_process import ExamineJob, examine_apart, examine_here
from portal.datasets.findings import Finding, Fix, FixKind, fix_of
from portal.datasets.models import Dataset, DatasetState, DatasetUpload
from portal.datasets.places import DatasetPlaces
from portal.datasets.plan import plan_of
from portal.datasets.storage_limit import storage_limit
from portal.tenants.actors import Actor, actor_of_job
from portal.tenants.models import Tenant
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit
from wire.errors import ErrorCode
from wire.ids import DatasetId, TenantId

MAX_ATTEMPTS = 3
QUEUED_AGAIN_AFTER = timedelta(minutes=1)
APART_BYTES = 4 << 20
"""Files above it, and those that may unpack to more, are examined in a process of their own: this one keeps
its memory."""
_IN_USE = "dataset_in_use"  # a trigger of the training app
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
    declared: Declared,
    limits: UploadLimits,
    store: ObjectStore,
    acting: Actor,
) -> Dataset:
    """Examine the upload at once, write it to the store, and note it.

    Raises DatasetRefused, and leaves nothing, when it cannot be read or no fix on offer could mend it.
    """
    dataset = _new(tenant=tenant, upload=upload, name=name, declared=declared, acting=acting)
    with _nothing_left(store, dataset):
        _store_original(dataset, upload.file, limits, store)
        examination = _examined(dataset, limits, store)
        examination.refuse_hopeless()
        for field, value in _outcome(examination).items():
            setattr(dataset, field, value)
        _save_new(dataset, acting)
    return dataset


@transaction.atomic
def dataset_receive(
    *,
    tenant: Tenant,
    upload: Upload,
    name: str,
    declared: Declared,
    limits: UploadLimits,
    store: ObjectStore,
    acting: Actor,
    came_as: DatasetUpload | None = None,
) -> Dataset:
    """Write the upload to the store; it is examined in the background. From then on the dataset takes the
    room that was kept for it since it was announced, as ``came_as``."""
    dataset = _new(tenant=tenant, upload=upload, name=name, declared=declared, acting=acting)
    with _nothing_left(store, dataset):
        _store_original(dataset, upload.file, limits, store)
        if came_as is not None:
            came_as.dataset = dataset
            came_as.save(update_fields=["dataset"])
        _save_new(dataset, acting)
    enqueue_on_commit(JobName.DATASET_EXAMINE, id=str(dataset.pk))
    return dataset


@transaction.atomic
def dataset_fix(
    *, dataset: Dataset, fixes: Sequence[Fix], limits: UploadLimits, store: ObjectStore, acting: Actor
) -> Dataset:
    """A new version of the dataset, with ``fixes`` on top of those it has; the old one stays as it is."""
    latest = Dataset.objects.for_tenant(dataset.tenant).filter(series=dataset.series)
    number: int = latest.aggregate(latest=Max("version"))["latest"]
    mended = _derived(dataset, dataset.name, fixes, acting)
    mended.series, mended.version = dataset.series, number + 1
    _derived_save(mended, dataset, fixes, limits, store, acting)
    return mended


@transaction.atomic
def dataset_part_create(
    *,
    dataset: Dataset,
    name: str,
    fix: Fix,
    limits: UploadLimits,
    store: ObjectStore,
    acting: Actor,
) -> Dataset:
    """A dataset of its own of the same file, with ``fix`` on top of what ``dataset`` has, which stays."""
    part = _derived(dataset, name[:200], [fix], acting)
    _derived_save(part, dataset, [fix], limits, store, acting)
    return part


def _derived(dataset: Dataset, name: str, fixes: Sequence[Fix], acting: Actor) -> Dataset:
    derived = _new(tenant=dataset.tenant, upload=None, name=name, declared=_declared(dataset), acting=acting)
    derived.file_name = dataset.file_name
    derived.fixes = [*dataset.fixes, *(fix.as_json() for fix in fixes)]
    return derived


def _derived_save(
    derived: Dataset,
    dataset: Dataset,
    fixes: Sequence[Fix],
    limits: UploadLimits,
    store: ObjectStore,
    acting: Actor,
) -> None:
    """With a copy of the original of its own, so that each is deleted alone; it is examined by a job."""
    with _nothing_left(store, derived):
        with _original(dataset, store) as file:
            _store_original(derived, file, limits, store)
        with unless_taken(Conflict("Another version was made at the same moment: look at it first.")):
            _save_new(derived, acting, fixes=[fix.id for fix in fixes], of=str(dataset.pk))
    enqueue_on_commit(JobName.DATASET_EXAMINE, id=str(derived.pk))


def fixes_chosen(*, dataset: Dataset, ids: Sequence[str], columns: Mapping[str, Any] | None) -> list[Fix]:
    """The fixes of these ids as the dataset's report offers them, and the choice of columns as one more.

    Raises Conflict while there is no report, InvalidField for what is not on offer.
    """
    if dataset.state == DatasetState.CHECKING or dataset.report is None:
        raise Conflict("This dataset has not been examined yet: wait for its report.")
    offered = {fix["id"]: fix_of(fix) for finding in dataset.report["findings"] for fix in finding["fixes"]}
    unknown = [name for name in ids if name not in offered]
    if unknown:
        raise InvalidField("fixes", f"The report offers no fix {unknown[0]!r}.")
    chosen = [offered[name] for name in dict.fromkeys(ids)]
    if len({fix.finding for fix in chosen}) < len(chosen):
        raise InvalidField("fixes", "Two of these fixes mend the same finding: choose one.")
    if columns is not None:
        words = f"Read the text from {columns['text']!r} and the label from {columns['label']!r}"
        missing = ErrorCode.DATASET_MISSING_COLUMN.value
        chosen.append(Fix(FixKind.SET_HEADER, missing, words, dict(columns), "chosen"))
    return chosen


def dataset_examine(*, dataset_id: UUID, store: ObjectStore, limits: UploadLimits) -> None:
    """Examine a dataset that waits for it, if nobody else does; may run twice without harm."""
    with session_lock(dataset_id.int) as is_alone:
        dataset = _claimed(dataset_id) if is_alone else None
        if dataset is None:
            return
        if dataset.num_attempts > MAX_ATTEMPTS:
            examination = _given_up()
        else:
            examination = _examined(dataset, limits, store)
        _note_outcome(dataset, examination, store)


def datasets_waiting() -> list[UUID]:
    """Those whose examination was asked for a while ago and has not ended; they are asked for again."""
    with operator_scope():
        waiting = Dataset.objects.unscoped().filter(
            state=DatasetState.CHECKING,
            deleted_at=None,
            queued_at__lt=timezone.now() - QUEUED_AGAIN_AFTER,
        )
        found = list(waiting.values_list("pk", flat=True))
        waiting.filter(pk__in=found).update(queued_at=timezone.now())
    return found


@transaction.atomic
def dataset_delete(*, dataset: Dataset, acting: Actor) -> None:
    """Take the dataset away; its files and its segment go in the background. InUse while it is trained on."""
    in_use = InUse("A training uses this dataset: wait for its end, or cancel it first.")
    with unless_refused_by(_IN_USE, lambda _said: in_use):
        dataset.deleted_at = timezone.now()
        dataset.save(update_fields=["deleted_at"])
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
    store.delete_beside(places.segment_uri)
    with operator_scope():
        DatasetUpload.objects.unscoped().filter(dataset=dataset).delete()  # no dataset can come of it again
        dataset.delete()
    _log.info("dataset.files_deleted", dataset=str(dataset_id), tenant=str(dataset.tenant_id))


def deleted_datasets() -> list[UUID]:
    """Those whose files are still to be deleted."""
    with operator_scope():
        return list(Dataset.objects.unscoped().exclude(deleted_at=None).values_list("pk", flat=True))


def places_of(tenant_id: UUID, dataset_id: UUID) -> DatasetPlaces:
    """Where the dataset's files lie."""
    return DatasetPlaces(TenantId(str(tenant_id)), DatasetId(str(dataset_id)))


def _new(*, tenant: Tenant, upload: Upload | None, name: str, declared: Declared, acting: Actor) -> Dataset:
    dataset_id = uuid4()
    places = places_of(tenant.pk, dataset_id)
    return Dataset(
        id=dataset_id,
        tenant=tenant,
        name=name,
        file_name=upload.file_name[:300] if upload is not None else "",
        kind=declared.kind.value,
        given_columns=declared.given_columns,
        label_separator=declared.separator,
        state=DatasetState.CHECKING,
        original_uri=places.original_uri,
        rows_uri=places.rows_uri,
        created_by=acting.user,
    )


@contextmanager
def _nothing_left(store: ObjectStore, dataset: Dataset) -> Iterator[None]:
    try:
        yield
    except BaseException:
        store.delete(places_of(dataset.tenant_id, dataset.pk).folder_uri)
        raise


def _store_original(dataset: Dataset, file: BinaryIO, limits: UploadLimits, store: ObjectStore) -> None:
    file.seek(0)
    num_bytes, digest = 0, hashlib.sha256()
    with store.write(dataset.original_uri) as original:
        while chunk := file.read(CHUNK_BYTES):
            num_bytes += len(chunk)
            if num_bytes > limits.max_bytes:
                raise too_many_bytes(limits.max_bytes)
            original.write(chunk)
            digest.update(chunk)
    dataset.num_bytes, dataset.sha256 = num_bytes, digest.hexdigest()


@contextmanager
def _original(dataset: Dataset, store: ObjectStore) -> Iterator[BinaryIO]:
    with store.open(dataset.original_uri) as file:
        yield file


def _save_new(dataset: Dataset, acting: Actor, **details: Any) -> None:
    with storage_limit():
        dataset.save(force_insert=True)
        _tell(dataset, dataset.state, dataset.num_rows)
        is_counted = dataset.state != DatasetState.CHECKING
        audit_record(
            actor=acting.name,
            action="dataset.fix" if dataset.version > 1 else "dataset.create",
            target=dataset,
            tenant=dataset.tenant,
            sha256=dataset.sha256,
            **({"num_rows": dataset.num_rows} if is_counted else {}),
            **details,
        )


def _claimed(dataset_id: UUID) -> Dataset | None:
    with operator_scope():
        waiting = Dataset.objects.unscoped().filter(
            pk=dataset_id, state=DatasetState.CHECKING, deleted_at=None
        )
        waiting.update(num_attempts=F("num_attempts") + 1, queued_at=timezone.now())
        return waiting.select_related("tenant").first()


def _examined(dataset: Dataset, limits: UploadLimits, store: ObjectStore) -> Examination:
    job = ExamineJob(
        store_url=store.url,
        original_uri=dataset.original_uri,
        rows_uri=dataset.rows_uri,
        file_name=dataset.file_name,
        plan=plan_of([fix_of(fix) for fix in dataset.fixes], _declared(dataset)),
        limits=limits,
    )
    is_apart = dataset.num_bytes > APART_BYTES or _is_packed(dataset, store)
    return examine_apart(job) if is_apart else examine_here(job)


def _is_packed(dataset: Dataset, store: ObjectStore) -> bool:
    with _original(dataset, store) as file:
        return is_parquet(file)


def _declared(dataset: Dataset) -> Declared:
    return declared_of(dataset.kind, dataset.given_columns, dataset.label_separator)


def _given_up() -> Examination:
    finding = Finding(
        code=ErrorCode.INTERNAL.value,
        message=f"The file could not be examined in {MAX_ATTEMPTS} attempts.",
        fix="Tell the operator; the log says why.",
    )
    return Examination(Report(findings=(finding,)))


def _note_outcome(dataset: Dataset, examination: Examination, store: ObjectStore) -> None:
    with tenant_scope(dataset.tenant_id):
        rows = Dataset.objects.for_tenant(dataset.tenant).filter(
            pk=dataset.pk, state=DatasetState.CHECKING, deleted_at=None
        )
        outcome = _outcome(examination)
        is_noted = bool(rows.update(**outcome))
        if is_noted:
            _tell(dataset, outcome["state"], outcome["num_rows"])
            audit_record(
                actor=actor_of_job(dataset.pk).name,
                action="dataset.examine",
                target=dataset,
                tenant=dataset.tenant,
                state=outcome["state"],
                num_rows=outcome["num_rows"],
            )
    if not is_noted:  # deleted meanwhile: what has just been written goes with it
        store.delete(places_of(dataset.tenant_id, dataset.pk).folder_uri)


def _tell(dataset: Dataset, state: str, num_rows: int) -> None:
    """Webhooks hear of a dataset when it has been examined."""
    if state != DatasetState.CHECKING:
        event_emit(
            tenant=dataset.tenant,
            type=EventType.DATASET_READY if state == DatasetState.READY else EventType.DATASET_BLOCKED,
            subject=dataset.series,
            data={
                "dataset": str(dataset.pk),
                "series": str(dataset.series),
                "version": dataset.version,
                "num_rows": num_rows,
            },
        )


def _outcome(examination: Examination) -> dict[str, Any]:
    """The columns of the table that an examination fills."""
    report = examination.report
    return {
        "state": DatasetState.BLOCKED if report.blocking else DatasetState.READY,
        "report": report.as_json(),
        "format": "" if examination.format is None else examination.format.value,
        "num_rows": report.num_rows_kept,
        "labels": [{"label": label, "num_rows": number} for label, number in examination.label_rows.items()],
        "text_column": examination.text_column[:200],
        "label_column": examination.label_column[:200],
    }
