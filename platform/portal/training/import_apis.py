"""REST views of imports: adapters that a tenant brings."""

from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.selectors import task_get
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.store import ObjectStore
from portal.tenants.access import TenantApi
from portal.training import import_services, selectors
from portal.training.apis import JobErrorOut
from portal.training.models import JobState

DEFAULT_MIN_AGREEMENT = 0.9


class ImportIn(serializers.Serializer[Any]):
    """The form of an import."""

    file = serializers.FileField(
        allow_empty_file=True,
        help_text="The folder as PEFT saves it, and head.safetensors: .zip, .tar or .tar.gz, up to 64 MiB.",
    )
    dataset = serializers.UUIDField(
        required=False,
        help_text="Answers are compared on its rows, less those that the domain has learnt.",
    )
    min_agreement = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        help_text="Share of texts to be answered as by the computed model, else it cannot be deployed (0.9).",
    )


class ImportOut(serializers.Serializer[Any]):
    """An import; ask again each second until its state is succeeded, failed or cancelled."""

    id = serializers.UUIDField()
    task = serializers.CharField(source="task.slug")
    dataset = serializers.UUIDField(source="dataset_id", allow_null=True)
    file_name = serializers.CharField()
    num_bytes = serializers.IntegerField()
    min_agreement = serializers.FloatField()
    state = ChoiceField(choices=JobState.choices)
    phase = serializers.CharField(allow_blank=True, help_text="starting, comparing, publishing.")
    step = serializers.IntegerField(help_text="Of the phase: answers that have been compared, in comparing.")
    num_steps = serializers.IntegerField(help_text="0: the phase cannot count them.")
    message = serializers.CharField(allow_blank=True)
    error = JobErrorOut(allow_null=True)
    passed = serializers.BooleanField(
        allow_null=True, help_text="The parity test: else the version is a draft, which cannot be deployed."
    )
    version = serializers.IntegerField(
        source="version_number", allow_null=True, help_text="Number of the version that came out."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class TaskImportsApi(TenantApi):
    """A task's imports."""

    parser_classes = (MultiPartParser,)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Before authentication reads the form for its CSRF token: files go to disk, not to memory."""
        request._request.upload_handlers = [TemporaryFileUploadHandler(request._request)]
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=page_of(ImportOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """List a task's imports, newest first."""
        found = task_get(tenant=self.tenant, slug=task)
        return paged(request, selectors.import_list(tenant=self.tenant).filter(task=found), ImportOut)

    @extend_schema(request={"multipart/form-data": ImportIn}, responses={201: ImportOut})
    @idempotent
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Bring an adapter in PEFT's format; 409 while another import of the task is queued or running.

        It is checked in the background, and compared with what the peft library answers: a version comes out,
        which can be deployed when that parity test was passed.
        """
        given = ImportIn(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        file: TemporaryUploadedFile = fields["file"]
        job = import_services.import_create(
            task=task_get(tenant=self.tenant, slug=task),
            archive=import_services.Archive(
                cast(BinaryIO, file.file), file.name or "adapter", num_bytes=file.size or 0
            ),
            dataset_id=fields.get("dataset"),
            min_agreement=fields.get("min_agreement", DEFAULT_MIN_AGREEMENT),
            store=ObjectStore(settings.ENV.store_url),
            acting=self.actor,
        )
        created = selectors.import_get(tenant=self.tenant, import_id=job.pk)
        return Response(ImportOut(created).data, status=201)


class ImportApi(TenantApi):
    """One import."""

    @extend_schema(responses=ImportOut)
    def get(self, request: Request, tenant: str, adapter_import: UUID) -> Response:
        """Where an import is."""
        return Response(ImportOut(selectors.import_get(tenant=self.tenant, import_id=adapter_import)).data)


class ImportCancelApi(TenantApi):
    """The end of an import."""

    @extend_schema(request=None, responses=ImportOut)
    def post(self, request: Request, tenant: str, adapter_import: UUID) -> Response:
        """Cancel an import: a queued one ends at once, a running one within seconds."""
        job = selectors.import_get(tenant=self.tenant, import_id=adapter_import)
        import_services.import_cancel(job=job, acting=self.actor)
        return Response(ImportOut(selectors.import_get(tenant=self.tenant, import_id=adapter_import)).data)
