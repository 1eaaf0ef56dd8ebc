"""REST views of uploads in chunks: begin, append until all has arrived, and make the dataset."""

import io
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.store import ObjectStore
from portal.datasets import selectors, uploads
from portal.datasets.config import upload_limits
from portal.datasets.declared_in import DeclaredIn, declared_in
from portal.datasets.shapes import DatasetDetailOut, UploadOut
from portal.tenants.access import DEVELOPER_DELETES, TenantApi

OFFSET_HEADER = "Upload-Offset"


class ChunkParser(BaseParser):
    """The bytes of a chunk, still to be read."""

    media_type = "application/octet-stream"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        """The stream itself: a chunk goes to the store in pieces."""
        return stream


class UploadIn(DeclaredIn):
    """The announcement of a file."""

    file_name = serializers.CharField(max_length=300)
    num_bytes = serializers.IntegerField(min_value=1, max_value=1 << 60)
    name = serializers.CharField(max_length=200, required=False, help_text="Default: the file's name.")
    sha256 = serializers.RegexField(
        r"^[0-9a-f]{64}$", required=False, help_text="Checked when all has arrived."
    )


class ChunkHeadersIn(serializers.Serializer[Any]):
    """Where a chunk belongs, under the header's name: an error names what is at fault."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """See DRF."""
        return {OFFSET_HEADER: serializers.IntegerField(min_value=0, max_value=1 << 60)}


class UploadsApi(TenantApi):
    """Files on their way."""

    @extend_schema(responses=page_of(UploadOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List uploads of which bytes are missing, newest first; they are kept for a day after the last."""
        on_their_way = selectors.upload_list(tenant=self.tenant).filter(num_received__lt=F("num_bytes"))
        return paged(request, on_their_way, UploadOut)

    @extend_schema(request=UploadIn, responses={201: UploadOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Announce a file; its bytes follow in chunks."""
        given = UploadIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        upload = uploads.upload_begin(
            tenant=self.tenant,
            file_name=fields["file_name"],
            name=fields.get("name") or fields["file_name"][:200],
            num_bytes=fields["num_bytes"],
            sha256=fields.get("sha256", ""),
            declared=declared_in(fields),
            limits=upload_limits(),
            acting=self.actor,
        )
        return Response(UploadOut(upload).data, status=201)


class UploadApi(TenantApi):
    """One file on its way."""

    write_roles = DEVELOPER_DELETES
    parser_classes = (ChunkParser,)

    @extend_schema(responses=UploadOut)
    def get(self, request: Request, tenant: str, upload: UUID) -> Response:
        """How much has arrived: after a cut connection, go on from the offset."""
        return Response(UploadOut(selectors.upload_get(tenant=self.tenant, upload_id=upload)).data)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses=UploadOut,
        parameters=[
            OpenApiParameter(
                OFFSET_HEADER, int, OpenApiParameter.HEADER, required=True, description="Of its first byte."
            )
        ],
    )
    def patch(self, request: Request, tenant: str, upload: UUID) -> Response:
        """Append a chunk (64 KiB to 8 MiB; the last may be smaller); 409 tells the offset that is right."""
        found = selectors.upload_get(tenant=self.tenant, upload_id=upload)
        headers = ChunkHeadersIn(data=request.headers)
        headers.is_valid(raise_exception=True)
        body: Any = request.data  # an empty form when the body has no bytes
        found = uploads.upload_append(
            upload=found,
            offset=headers.validated_data[OFFSET_HEADER],
            chunk=body if hasattr(body, "read") else io.BytesIO(),
            store=ObjectStore(settings.ENV.store_url),
        )
        return Response(UploadOut(found).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, upload: UUID) -> Response:
        """Give up an upload; a dataset that came of it stays."""
        found = selectors.upload_get(tenant=self.tenant, upload_id=upload)
        uploads.upload_delete(upload=found, store=ObjectStore(settings.ENV.store_url), acting=self.actor)
        return Response(status=204)


class UploadDatasetApi(TenantApi):
    """The end of an upload."""

    @extend_schema(request=None, responses={201: DatasetDetailOut})
    def post(self, request: Request, tenant: str, upload: UUID) -> Response:
        """Make the dataset, once all has arrived; it is examined in the background. May be repeated."""
        dataset = uploads.upload_finish(
            upload=selectors.upload_get(tenant=self.tenant, upload_id=upload),
            limits=upload_limits(),
            store=ObjectStore(settings.ENV.store_url),
            acting=self.actor,
        )
        return Response(DatasetDetailOut(dataset).data, status=201)
