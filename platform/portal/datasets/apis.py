"""REST views of datasets."""

from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.errors import PortalError
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.store import ObjectStore
from portal.datasets import selectors, services
from portal.datasets.columns import ColumnChoice
from portal.datasets.ingest import UploadLimits
from portal.datasets.models import DatasetFormat
from portal.tenants.access import TenantApi
from wire.errors import ErrorCode

MAX_PREVIEW_ROWS = 200


class LabelCountOut(serializers.Serializer[Any]):
    """A label and how many rows have it."""

    label = serializers.CharField()  # type: ignore[assignment]  # a field, not the serializer's own label
    num_rows = serializers.IntegerField()


class FindingOut(serializers.Serializer[Any]):
    """Something odd in the file."""

    code = serializers.CharField()
    message = serializers.CharField()
    fix = serializers.CharField(help_text="What to do about it.")
    rows = serializers.ListField(
        child=serializers.IntegerField(), help_text="Line numbers; the first of them only."
    )
    num_rows = serializers.IntegerField(help_text="All of them.")


class DatasetOut(serializers.Serializer[Any]):
    """An uploaded file, checked and cleaned."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    format = serializers.ChoiceField(choices=DatasetFormat.choices)
    num_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    num_rows = serializers.IntegerField()
    labels = LabelCountOut(many=True)
    text_column = serializers.CharField()
    label_column = serializers.CharField()
    warnings = FindingOut(many=True)
    created_at = serializers.DateTimeField()


class DatasetIn(serializers.Serializer[Any]):
    """The form of an upload."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV, TSV or JSON lines; UTF-8.")
    name = serializers.CharField(max_length=200, required=False, help_text="Default: the file's name.")
    text_column = serializers.CharField(max_length=200, required=False, help_text="Default: found by name.")
    label_column = serializers.CharField(max_length=200, required=False, help_text="Default: found by name.")


class DatasetRowOut(serializers.Serializer[Any]):
    """One row as a training reads it."""

    row = serializers.IntegerField(help_text="Line number in the file.")
    text = serializers.CharField(trim_whitespace=False)
    label = serializers.CharField()  # type: ignore[assignment]  # a field, not the serializer's own label


class DatasetRowsOut(serializers.Serializer[Any]):
    """Some rows."""

    count = serializers.IntegerField(help_text="Rows in the dataset.")
    results = DatasetRowOut(many=True)


class DatasetRowsIn(serializers.Serializer[Any]):
    """Which rows."""

    offset = serializers.IntegerField(min_value=0, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PREVIEW_ROWS, default=20)


class DatasetsApi(TenantApi):
    """A tenant's datasets."""

    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before authentication reads the form for its CSRF token: files go to disk, not to memory."""
        request._request.upload_handlers = [TemporaryFileUploadHandler(request._request)]
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=page_of(DatasetOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List datasets, newest first."""
        return paged(request, selectors.dataset_list(tenant=self.tenant), DatasetOut)

    @extend_schema(request={"multipart/form-data": DatasetIn}, responses={201: DatasetOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Upload a file; the answer to one that cannot be used says which rows are wrong and what to do."""
        given = DatasetIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        file: TemporaryUploadedFile = fields["file"]
        file_name = file.name or "upload"
        dataset = services.dataset_create(
            tenant=self.tenant,
            upload=services.Upload(cast(BinaryIO, file.file), file_name),
            name=fields.get("name") or file_name[:200],
            choice=ColumnChoice(fields.get("text_column"), fields.get("label_column")),
            limits=UploadLimits(settings.ENV.max_upload_bytes, settings.ENV.max_upload_rows),
            store=ObjectStore(settings.ENV.store_url),
            acting=self.actor,
        )
        return Response(DatasetOut(dataset).data, status=201)


class DatasetApi(TenantApi):
    """One dataset."""

    @extend_schema(responses=DatasetOut)
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """One dataset with its warnings."""
        return Response(DatasetOut(selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Delete a dataset, its rows and what it taught its domain; 409 while a training uses it."""
        services.dataset_delete(
            dataset=selectors.dataset_get(tenant=self.tenant, dataset_id=dataset), acting=self.actor
        )
        return Response(status=204)


class DatasetRowsApi(TenantApi):
    """Rows of a dataset."""

    @extend_schema(
        responses=DatasetRowsOut,
        parameters=[
            OpenApiParameter("offset", int, description="Rows to pass over; 0."),
            OpenApiParameter("limit", int, description=f"Rows to give; 20, at most {MAX_PREVIEW_ROWS}."),
        ],
    )
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Some rows, as a training reads them."""
        wanted = DatasetRowsIn(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        try:
            rows = selectors.dataset_rows(
                dataset=found, store=ObjectStore(settings.ENV.store_url), **wanted.validated_data
            )
        except FileNotFoundError as exc:
            raise PortalError(
                "The dataset's rows are not in the store: tell the operator.",
                code=ErrorCode.STORE_UNAVAILABLE,
            ) from exc
        return Response(DatasetRowsOut({"count": found.num_rows, "results": rows}).data)
