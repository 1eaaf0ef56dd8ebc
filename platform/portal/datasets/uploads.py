"""Files that arrive in chunks: each chunk is safe in the store before its sender hears so."""

import hashlib
import io
from datetime import timedelta
from functools import partial
from typing import BinaryIO, cast

from django.db import transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import InvalidField, NotFound, PortalError
from portal.common.locks import row_lock
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets.chunks import ChunkedFile
from portal.datasets.declared import Declared, declared_of
from portal.datasets.doctor import UploadLimits
from portal.datasets.encoding import CHUNK_BYTES, refuse_binary, too_many_bytes
from portal.datasets.models import Dataset, DatasetUpload
from portal.datasets.places import upload_folder_uri
from portal.datasets.services import Upload, dataset_receive
from portal.datasets.storage_limit import storage_limit
from portal.tenants.actors import Actor
from portal.tenants.models import Tenant
from wire.errors import ErrorCode
from wire.ids import TenantId

MAX_CHUNK_BYTES = 8 << 20
MIN_CHUNK_BYTES = 64 << 10  # of all chunks but the last: bounds the number of files
KEPT_FOR = timedelta(days=1)
_PIECE_BYTES = 256 << 10


@transaction.atomic
def upload_begin(
    *,
    tenant: Tenant,
    file_name: str,
    name: str,
    num_bytes: int,
    sha256: str,
    declared: Declared,
    limits: UploadLimits,
    acting: Actor,
) -> DatasetUpload:
    """Announce a file; DatasetRefused when it is larger than allowed, StorageFull when there is no room."""
    if num_bytes > limits.max_bytes:
        raise too_many_bytes(limits.max_bytes)
    upload = DatasetUpload(
        tenant=tenant,
        file_name=file_name,
        name=name,
        num_bytes=num_bytes,
        sha256=sha256,
        kind=declared.kind.value,
        given_columns=declared.given_columns,
        label_separator=declared.separator,
    )
    with storage_limit():
        upload.save(force_insert=True)
    audit_record(actor=acting.name, action="upload.create", target=upload, tenant=tenant, num_bytes=num_bytes)
    return upload


@transaction.atomic
def upload_append(
    *, upload: DatasetUpload, offset: int, chunk: BinaryIO, store: ObjectStore
) -> DatasetUpload:
    """Keep the bytes from ``offset`` on. Conflict, with the offset that is right, when they do not follow."""
    upload = row_lock(upload, "upload")
    if offset != upload.num_received:
        raise PortalError(
            f"The next byte to send is number {upload.num_received:,}.",
            code=ErrorCode.CONFLICT,
            param="Upload-Offset",
            details={"offset": upload.num_received},
        )
    with store.write(_chunk_uri(upload, offset)) as file:  # nothing of a chunk that is refused stays
        end = offset + _copied(chunk, file, is_first=offset == 0)
        if end > upload.num_bytes:
            raise InvalidField(
                "body", f"The file was announced with {upload.num_bytes:,} bytes; this is more."
            )
        if end - offset < MIN_CHUNK_BYTES and end < upload.num_bytes:
            raise InvalidField("body", f"Every chunk but the last needs at least {MIN_CHUNK_BYTES:,} bytes.")
    upload.chunks = [*upload.chunks, offset]
    upload.num_received = end
    upload.touched_at = timezone.now()
    upload.save(update_fields=["chunks", "num_received", "touched_at"])
    return upload


@transaction.atomic
def upload_finish(
    *, upload: DatasetUpload, limits: UploadLimits, store: ObjectStore, acting: Actor
) -> Dataset:
    """Make the dataset; asked again, it gives the same one. Conflict while bytes are missing."""
    upload = row_lock(upload, "upload")
    if upload.dataset is not None:
        if upload.dataset.deleted_at is not None:
            raise NotFound("dataset")
        return upload.dataset
    if upload.num_received < upload.num_bytes:
        missing = upload.num_bytes - upload.num_received
        raise PortalError(
            f"{missing:,} bytes have not arrived yet: send them first.",
            code=ErrorCode.CONFLICT,
            details={"offset": upload.num_received},
        )
    with _file(upload, store) as file:
        if upload.sha256 and _sha256(file) != upload.sha256:
            raise InvalidField(
                "sha256", "The bytes that arrived are not those announced: delete this upload, send again."
            )
        dataset = dataset_receive(
            tenant=upload.tenant,
            upload=Upload(file, upload.file_name),
            name=upload.name,
            declared=declared_of(upload.kind, upload.given_columns, upload.label_separator),
            limits=limits,
            store=store,
            acting=acting,
            came_as=upload,
        )
    folder_uri = _folder_uri(upload)
    transaction.on_commit(lambda: store.delete(folder_uri))
    return dataset


@transaction.atomic
def upload_delete(*, upload: DatasetUpload, store: ObjectStore, acting: Actor) -> None:
    """Give up a file on its way; a dataset that came of it stays."""
    upload = row_lock(upload, "upload")
    audit_record(actor=acting.name, action="upload.delete", target=upload, tenant=upload.tenant)
    folder_uri = _folder_uri(upload)
    upload.delete()
    transaction.on_commit(lambda: store.delete(folder_uri))


def uploads_sweep(*, store: ObjectStore) -> None:
    """Forget uploads that nobody has touched for a day, chunks first."""
    last = timezone.now() - KEPT_FOR
    with operator_scope():
        old = list(DatasetUpload.objects.unscoped().filter(touched_at__lt=last).values_list("pk", flat=True))
    for upload_id in old:
        with operator_scope():
            rows = DatasetUpload.objects.unscoped().select_for_update(skip_locked=True)
            upload = rows.filter(pk=upload_id, touched_at__lt=last).first()
            if upload is not None:  # nobody goes on with it, nor makes its dataset just now
                store.delete(_folder_uri(upload))
                upload.delete()


def _copied(chunk: BinaryIO, file: BinaryIO, *, is_first: bool) -> int:
    """How many bytes were copied, piece by piece; PortalError (body_too_large) when they are too many."""
    num_bytes = 0
    while piece := chunk.read(_PIECE_BYTES):
        if num_bytes == 0 and is_first:
            refuse_binary(piece)
        num_bytes += len(piece)
        if num_bytes > MAX_CHUNK_BYTES:
            raise PortalError(
                f"A chunk has at most {MAX_CHUNK_BYTES:,} bytes.", code=ErrorCode.BODY_TOO_LARGE
            )
        file.write(piece)
    return num_bytes


def _file(upload: DatasetUpload, store: ObjectStore) -> BinaryIO:
    chunks = ChunkedFile([partial(store.open, _chunk_uri(upload, offset)) for offset in upload.chunks])
    return cast(BinaryIO, io.BufferedReader(chunks, CHUNK_BYTES))


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _folder_uri(upload: DatasetUpload) -> str:
    return upload_folder_uri(TenantId(str(upload.tenant_id)), str(upload.pk))


def _chunk_uri(upload: DatasetUpload, offset: int) -> str:
    return f"{_folder_uri(upload)}/{offset:015d}"
