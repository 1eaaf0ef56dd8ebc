"""Reading datasets and their rows."""

from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import msgspec
from django.db.models import QuerySet

from portal.common.errors import NotFound
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.datasets.reader import Record
from portal.tenants.models import Tenant


def dataset_list(*, tenant: Tenant) -> QuerySet[Dataset]:
    """The tenant's datasets, newest first."""
    return Dataset.objects.for_tenant(tenant).filter(deleted_at=None).order_by("-created_at", "id")


def dataset_get(*, tenant: Tenant, dataset_id: UUID) -> Dataset:
    """One dataset; NotFound when it is not the tenant's."""
    found = dataset_list(tenant=tenant).filter(pk=dataset_id).first()
    if found is None:
        raise NotFound("dataset")
    return found


def dataset_rows(*, dataset: Dataset, store: ObjectStore, offset: int, limit: int) -> list[Record]:
    """``limit`` cleaned rows from the ``offset``-th on, in the file's order; fewer at the end."""
    return list(islice(_rows(dataset, store), offset, offset + limit))


def _rows(dataset: Dataset, store: ObjectStore) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(Record)
    with store.open(dataset.rows_uri) as file:
        for line in file:
            yield decoder.decode(line)
