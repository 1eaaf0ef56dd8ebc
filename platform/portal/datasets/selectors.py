"""Reading datasets, their rows, and uploads on their way."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from portal.common.errors import NotFound, PortalError
from portal.common.store import ObjectStore
from portal.datasets.declared import Declared
from portal.datasets.encoding import CHUNK_BYTES
from portal.datasets.findings import fix_of
from portal.datasets.kinds.multi_label import SEPARATORS
from portal.datasets.models import Dataset, DatasetUpload
from portal.datasets.plan import plan_of
from portal.datasets.records import Record
from portal.tenants.models import Tenant
from wire.errors import ErrorCode
from wire.tasks import TaskKind

_ROWS_AT_ONCE = 500
_CSV_HEADERS = {
    TaskKind.SENTENCE_PAIR: ("text", "pair", "label"),
    TaskKind.TOKEN_CLASSIFICATION: ("text", "spans"),
}


def dataset_list(*, tenant: Tenant) -> QuerySet[Dataset]:
    """The tenant's datasets, every version, newest first."""
    return Dataset.objects.for_tenant(tenant).filter(deleted_at=None).order_by("-created_at", "id")


def dataset_get(*, tenant: Tenant, dataset_id: UUID) -> Dataset:
    """One dataset; NotFound when it is not the tenant's."""
    found = dataset_list(tenant=tenant).filter(pk=dataset_id).first()
    if found is None:
        raise NotFound("dataset")
    return found


def dataset_versions(*, tenant: Tenant, dataset: Dataset) -> QuerySet[Dataset]:
    """All versions of the dataset's upload, newest first."""
    return dataset_list(tenant=tenant).filter(series=dataset.series).order_by("-version")


def dataset_rows(
    *, dataset: Dataset, store: ObjectStore, offset: int, limit: int, numbers: frozenset[int]
) -> list[Record]:
    """``limit`` cleaned rows from the ``offset``-th on, in the file's order; fewer at the end.

    ``numbers``, unless empty, are those of the only rows that count.
    """
    rows = _rows(dataset, store)
    if numbers:
        rows = islice((record for record in rows if record.row in numbers), len(numbers))
    return list(islice(rows, offset, offset + limit))


def original_pieces(*, dataset: Dataset, store: ObjectStore) -> Iterator[bytes]:
    """The bytes as they were uploaded."""
    return _pieces(store, dataset.original_uri)


def cleaned_pieces(*, dataset: Dataset, store: ObjectStore, as_csv: bool) -> Iterator[bytes]:
    """The rows that are kept: as JSON lines, or as CSV in UTF-8 with the columns text and label, or spans;
    between several labels of a row stands what parted them, or else what none of them has in it."""
    return _as_csv(dataset, _rows(dataset, store)) if as_csv else _pieces(store, dataset.rows_uri)


def upload_list(*, tenant: Tenant) -> QuerySet[DatasetUpload]:
    """The tenant's uploads, newest first."""
    return DatasetUpload.objects.for_tenant(tenant).order_by("-created_at", "id")


def upload_get(*, tenant: Tenant, upload_id: UUID) -> DatasetUpload:
    """One upload; NotFound when it is not the tenant's."""
    found = upload_list(tenant=tenant).select_related("tenant").filter(pk=upload_id).first()
    if found is None:
        raise NotFound("upload")
    return found


def check_stored(*, uri: str, store: ObjectStore) -> None:
    """Raise PortalError when the dataset's file is not there, before an answer has begun."""
    if not store.exists(uri):
        raise PortalError(
            "The dataset's file is not in the store: tell the operator.", code=ErrorCode.STORE_UNAVAILABLE
        )


def _rows(dataset: Dataset, store: ObjectStore) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(Record)
    with store.open(dataset.rows_uri) as file:
        for line in file:
            yield decoder.decode(line)


def _pieces(store: ObjectStore, uri: str) -> Iterator[bytes]:
    with store.open(uri) as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _csv_fields(record: Record, separator: str) -> tuple[str, ...]:
    label = record.label
    if record.value is not None:
        label = repr(record.value)
    elif record.labels is not None:
        label = separator.join(record.labels)
    elif record.spans is not None:
        label = msgspec.json.encode(record.spans).decode()
    return (record.text, label) if record.pair is None else (record.text, record.pair, label)


def _separator(dataset: Dataset) -> str:
    parted_by = plan_of([fix_of(fix) for fix in dataset.fixes], Declared(separator=dataset.label_separator))
    labels = [count["label"] for count in dataset.labels]
    wanted = (parted_by.separator, *SEPARATORS)
    # No label has a line break: see is_usable.
    return next((one for one in wanted if not any(one in label for label in labels)), "\n")


def _as_csv(dataset: Dataset, rows: Iterator[Record]) -> Iterator[bytes]:
    separator = _separator(dataset)
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(_CSV_HEADERS.get(TaskKind(dataset.kind), ("text", "label")))
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        writer.writerows(_csv_fields(record, separator) for record in some)
        yield written.getvalue().encode()
        written.seek(0)
        written.truncate()
    if written.tell():
        yield written.getvalue().encode()  # a header and no rows
