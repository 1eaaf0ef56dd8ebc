"""REST views of datasets."""

from pathlib import PurePath
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.download import Download
from portal.common.errors import Conflict
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.store import ObjectStore
from portal.datasets import selectors, services
from portal.datasets.config import upload_limits
from portal.datasets.corrections import FIELDS, Correction, correcting_fix
from portal.datasets.declared_in import DeclaredIn, declared_in
from portal.datasets.kinds.label_counts import MAX_LABEL_CHARS
from portal.datasets.kinds.score import MAX_SCORE
from portal.datasets.shapes import DatasetDetailOut, DatasetOut
from portal.tenants.access import TenantApi
from wire.spans import Span

MAX_PREVIEW_ROWS = 200
MAX_FIXES = 50
MAX_CORRECTIONS = 1000
MAX_ROW_SPANS = 5000


class DatasetIn(DeclaredIn):
    """The form of an upload."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV, TSV, JSON lines, Parquet or CoNLL.")
    name = serializers.CharField(max_length=200, required=False, help_text="Default: the file's name.")


class SpanOut(serializers.Serializer[Any]):
    """Some characters of a text, and what they are."""

    start = serializers.IntegerField(help_text="Of the first one (Unicode code points).")
    end = serializers.IntegerField(help_text="After the last one.")
    label = serializers.CharField()  # type: ignore[assignment]  # a field, not the serializer's own label


class DatasetRowOut(serializers.Serializer[Any]):
    """One row as a training reads it."""

    row = serializers.IntegerField(help_text="Line number in the file.")
    text = serializers.CharField(trim_whitespace=False)
    label = serializers.CharField(  # type: ignore[assignment]  # a field, not the serializer's own label
        help_text="Of kinds with one label a row; else empty."
    )
    value = serializers.FloatField(allow_null=True, help_text="Of kind score.")
    pair = serializers.CharField(
        trim_whitespace=False, allow_null=True, help_text="Of kind sentence_pair: the second text."
    )
    labels = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Of kind multi_label."
    )
    spans = SpanOut(many=True, allow_null=True, help_text="Of kind token_classification.")


class DatasetRowsOut(serializers.Serializer[Any]):
    """Some rows."""

    count = serializers.IntegerField(help_text="Rows in the dataset.")
    results = DatasetRowOut(many=True)


class DatasetRowsIn(serializers.Serializer[Any]):
    """Which rows."""

    offset = serializers.IntegerField(min_value=0, max_value=1 << 60, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PREVIEW_ROWS, default=20)
    numbers = serializers.RegexField(
        r"^[0-9]{1,9}(,[0-9]{1,9})*$", max_length=10 * MAX_PREVIEW_ROWS, default=""
    )

    def validate_numbers(self, value: str) -> frozenset[int]:
        return frozenset(int(number) for number in value.split(",") if number)


class ColumnsIn(serializers.Serializer[Any]):
    """Which columns hold what."""

    text = serializers.CharField(max_length=200, help_text="Without a header: column 1, column 2, ...")
    label = serializers.CharField(max_length=200)  # type: ignore[assignment]  # a field
    pair = serializers.CharField(max_length=200, required=False, help_text="Of kind sentence_pair.")
    has_header = serializers.BooleanField(default=True)


class DatasetFixesIn(serializers.Serializer[Any]):
    """What is to be mended."""

    fixes = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=MAX_FIXES,
        default=list,
        help_text="Ids of fixes that the report offers, at most one a finding.",
    )
    columns = ColumnsIn(required=False, help_text="Other columns than those found or offered.")

    def validate(self, attrs: Any) -> Any:
        """Nothing is no fix."""
        if not attrs["fixes"] and "columns" not in attrs:
            raise serializers.ValidationError({"fixes": "Name at least one fix, or columns."})
        return attrs


class SpanIn(serializers.Serializer[Any]):
    """Some characters of a text, and what they are."""

    start = serializers.IntegerField(min_value=0, help_text="Of the first one (Unicode code points).")
    end = serializers.IntegerField(min_value=1, help_text="After the last one.")
    label = serializers.CharField(max_length=MAX_LABEL_CHARS)  # type: ignore[assignment]  # a field


class CorrectionIn(serializers.Serializer[Any]):
    """What becomes of one row."""

    row = serializers.IntegerField(min_value=1, help_text="Its number, as rows and reports have it.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field, not the serializer's own label
        required=False, max_length=MAX_LABEL_CHARS, help_text="Another label of the dataset."
    )
    labels = serializers.ListField(
        child=serializers.CharField(max_length=MAX_LABEL_CHARS),
        required=False,
        help_text="Of multi_label: all labels that the row shall have; perhaps none.",
    )
    value = serializers.FloatField(
        required=False,
        min_value=-MAX_SCORE,
        max_value=MAX_SCORE,
        help_text="Of score: the value that the row shall have.",
    )
    spans = serializers.ListField(
        child=SpanIn(),
        required=False,
        max_length=MAX_ROW_SPANS,
        help_text="Of token_classification: all spans that the row shall have, places in its text as rows "
        "have it; perhaps none.",
    )
    drop = serializers.BooleanField(default=False, help_text="Leave the row out.")

    def validate(self, attrs: Any) -> Any:
        """Either or."""
        if sum(name in attrs for name in set(FIELDS.values())) + attrs["drop"] != 1:
            raise serializers.ValidationError(
                {"label": "Give a label, labels, a value or spans, or drop the row; one of them."}
            )
        return attrs


class CorrectionsIn(serializers.Serializer[Any]):
    """Rows judged one by one."""

    corrections = serializers.ListField(child=CorrectionIn(), allow_empty=False, max_length=MAX_CORRECTIONS)


class CleanedIn(serializers.Serializer[Any]):
    """In which form."""

    form = ChoiceField(choices=["csv", "jsonl"], default="csv")


class DatasetsApi(TenantApi):
    """A tenant's datasets."""

    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before authentication reads the form for its CSRF token: files go to disk, not to memory."""
        request._request.upload_handlers = [TemporaryFileUploadHandler(request._request)]
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=page_of(DatasetOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List datasets, every version, newest first."""
        return paged(request, selectors.dataset_list(tenant=self.tenant), DatasetOut)

    @extend_schema(request={"multipart/form-data": DatasetIn}, responses={201: DatasetDetailOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Upload a file in one piece; it is examined before the answer.

        The answer to one that no fix on offer could mend says what is wrong and what to do; nothing is kept
        of it. For large files there is POST .../uploads.
        """
        given = DatasetIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        file: TemporaryUploadedFile = fields["file"]
        file_name = file.name or "upload"
        dataset = services.dataset_create(
            tenant=self.tenant,
            upload=services.Upload(cast(BinaryIO, file.file), file_name),
            name=fields.get("name") or file_name[:200],
            declared=declared_in(fields),
            limits=upload_limits(),
            store=ObjectStore(settings.ENV.store_url),
            acting=self.actor,
        )
        return Response(DatasetDetailOut(dataset).data, status=201)


class DatasetApi(TenantApi):
    """One dataset."""

    @extend_schema(responses=DatasetDetailOut)
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """One dataset with the doctor's report."""
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        return Response(DatasetDetailOut(found).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Delete a dataset, its rows and what it taught its domain; 409 while a training uses it."""
        services.dataset_delete(
            dataset=selectors.dataset_get(tenant=self.tenant, dataset_id=dataset), acting=self.actor
        )
        return Response(status=204)


class DatasetFixesApi(TenantApi):
    """Mending."""

    @extend_schema(request=DatasetFixesIn, responses={201: DatasetDetailOut})
    @idempotent
    def post(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Mend a dataset: the answer is its next version, which is examined in the background."""
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        given = DatasetFixesIn(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = services.fixes_chosen(
            dataset=found, ids=given.validated_data["fixes"], columns=given.validated_data.get("columns")
        )
        store = ObjectStore(settings.ENV.store_url)
        selectors.check_stored(uri=found.original_uri, store=store)
        mended = services.dataset_fix(
            dataset=found, fixes=chosen, limits=upload_limits(), store=store, acting=self.actor
        )
        return Response(DatasetDetailOut(mended).data, status=201)


class DatasetCorrectionsApi(TenantApi):
    """Labels put right."""

    @extend_schema(request=CorrectionsIn, responses={201: DatasetDetailOut})
    @idempotent
    def post(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Correct rows, such as a report's suspects: the answer is the dataset's next version.

        It is examined in the background; then the task can be trained on it.
        """
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        given = CorrectionsIn(data=request.data)
        given.is_valid(raise_exception=True)
        store = ObjectStore(settings.ENV.store_url)
        selectors.check_stored(uri=found.original_uri, store=store)
        fix = correcting_fix(
            dataset=found,
            corrections=[
                Correction(
                    one["row"],
                    one.get("label"),
                    tuple(dict.fromkeys(one["labels"])) if "labels" in one else None,
                    one.get("value"),
                    tuple(sorted(Span(**span) for span in one["spans"])) if "spans" in one else None,
                )
                for one in given.validated_data["corrections"]
            ],
            store=store,
        )
        mended = services.dataset_fix(
            dataset=found, fixes=[fix], limits=upload_limits(), store=store, acting=self.actor
        )
        return Response(DatasetDetailOut(mended).data, status=201)


class DatasetVersionsApi(TenantApi):
    """Versions of one upload."""

    @extend_schema(responses=page_of(DatasetOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """List all versions of the dataset's upload, newest first."""
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        return paged(request, selectors.dataset_versions(tenant=self.tenant, dataset=found), DatasetOut)


class DatasetRowsApi(TenantApi):
    """Rows of a dataset."""

    @extend_schema(
        responses=DatasetRowsOut,
        parameters=[
            OpenApiParameter("offset", int, description="Rows to pass over; 0."),
            OpenApiParameter("limit", int, description=f"Rows to give; 20, at most {MAX_PREVIEW_ROWS}."),
            OpenApiParameter("numbers", str, description="Numbers of the only rows to look among: 3,17,40."),
        ],
    )
    def get(self, request: Request, tenant: str, dataset: UUID) -> Response:
        """Some of the rows kept, as a training reads them; none while the dataset is being examined."""
        wanted = DatasetRowsIn(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        rows: list[Any] = []
        if found.num_rows:
            store = ObjectStore(settings.ENV.store_url)
            selectors.check_stored(uri=found.rows_uri, store=store)
            rows = selectors.dataset_rows(dataset=found, store=store, **wanted.validated_data)
        return Response(DatasetRowsOut({"count": found.num_rows, "results": rows}).data)


class DatasetOriginalApi(TenantApi):
    """The file as it came."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, tenant: str, dataset: UUID) -> HttpResponseBase:
        """Download the file as it was uploaded, byte for byte."""
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        store = ObjectStore(settings.ENV.store_url)
        selectors.check_stored(uri=found.original_uri, store=store)
        return Download(
            selectors.original_pieces(dataset=found, store=store),
            file_name=found.file_name or found.name,
            content_type="application/octet-stream",
        )


class DatasetCleanedApi(TenantApi):
    """The rows that are kept."""

    @extend_schema(parameters=[CleanedIn], responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, tenant: str, dataset: UUID) -> HttpResponseBase:
        """Download the rows kept: CSV in UTF-8, or JSON lines with the rows' numbers."""
        wanted = CleanedIn(data=request.query_params)
        wanted.is_valid(raise_exception=True)
        found = selectors.dataset_get(tenant=self.tenant, dataset_id=dataset)
        if not found.num_rows:
            raise Conflict("No rows are kept of this dataset: its report says why.")
        store = ObjectStore(settings.ENV.store_url)
        selectors.check_stored(uri=found.rows_uri, store=store)
        form = wanted.validated_data["form"]
        stem = PurePath(found.file_name or found.name).stem
        return Download(
            selectors.cleaned_pieces(dataset=found, store=store, as_csv=form == "csv"),
            file_name=f"{stem}.cleaned.{form}",
            content_type="application/octet-stream",
        )
