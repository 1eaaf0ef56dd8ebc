"""REST views of domains and versions. (Tasks: serving.apis, which also sees trainings.)"""

from typing import Any

from django.conf import settings
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog import selectors, services
from portal.catalog.adapter_archive import AdapterArchive, open_archive, open_offline_archive
from portal.catalog.models import VersionState
from portal.common.download import resumable
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.slugs import is_slug
from portal.common.store import ObjectStore
from portal.tenants.access import TenantApi
from portal.tenants.models import Role
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest

RESUMABLE_TAR = {(status, "application/x-tar"): OpenApiTypes.BINARY for status in (200, 206)}


class DomainOut(serializers.Serializer[Any]):
    """A text domain."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    is_shared = serializers.SerializerMethodField()
    parent_domain = serializers.CharField(
        source="parent.slug",
        allow_null=True,
        default=None,
        help_text="The shared domain above; null: general.",
    )
    min_tenants = serializers.IntegerField(
        help_text="Of a shared domain: contributed n-grams enter when so many verified tenants have them."
    )
    created_at = serializers.DateTimeField()

    def get_is_shared(self, domain: Any) -> bool:
        """Of no tenant, so of all."""
        return domain.tenant_id is None


class DomainIn(serializers.Serializer[Any]):
    """A new domain."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(max_length=63, validators=[is_slug], required=False)
    parent_domain = serializers.CharField(
        max_length=63,
        required=False,
        help_text="Slug of the shared domain to put it under; left out: general.",
    )


class PrivateLeafOut(serializers.Serializer[Any]):
    """The version's own PLOT node below its shared domain's."""

    digest = serializers.CharField()
    num_bytes = serializers.IntegerField()
    retired_at = serializers.DateTimeField(
        allow_null=True, help_text="When its dataset was deleted: the version answers without it since."
    )


class HeadlineOut(serializers.Serializer[Any]):
    """The figure that stands for a version, measured on held-out rows."""

    name = serializers.CharField(help_text="accuracy, micro_f1, span_f1 or r2: by the task's kind.")
    value = serializers.FloatField()
    ci95 = serializers.ListField(child=serializers.FloatField(), help_text="Its 95% interval: from, to.")


class ListedVersionOut(serializers.Serializer[Any]):
    """One version of a task, trained or imported, as lists have it."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    state = ChoiceField(choices=VersionState.choices)
    labels = serializers.ListField(child=serializers.CharField())
    dataset = serializers.UUIDField(source="dataset_id", allow_null=True)
    dataset_name = serializers.CharField(source="dataset.name", allow_null=True)
    backbone_digest = serializers.CharField(source="backbone.digest")
    tree_digest = serializers.CharField(source="tree_version.digest")
    digest = serializers.CharField(source="bundle_digest")
    num_bytes = serializers.IntegerField()
    private_leaf = PrivateLeafOut(allow_null=True, default=None)
    training = serializers.UUIDField(
        source="training_job_id", allow_null=True, help_text="null: an import made it."
    )
    adapter_import = serializers.UUIDField(
        source="import_id", allow_null=True, help_text="null: a training made it."
    )
    headline = HeadlineOut(
        source="own_headline",
        allow_null=True,
        help_text="Of its report; null: it was imported, and not measured.",
    )
    created_at = serializers.DateTimeField()


class VersionOut(ListedVersionOut):
    """One version of a task with its report."""

    report = serializers.DictField(help_text="Metrics on held-out rows; of an import the parity test.")


class DomainsApi(TenantApi):
    """Domains of the tenant, and the shared ones."""

    @extend_schema(responses=page_of(DomainOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List domains."""
        return paged(request, selectors.domain_list(tenant=self.tenant), DomainOut)

    @extend_schema(request=DomainIn, responses={201: DomainOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Make a domain."""
        given = DomainIn(data=request.data)
        given.is_valid(raise_exception=True)
        domain = services.domain_create(
            tenant=self.tenant,
            name=given.validated_data["name"],
            slug=given.validated_data.get("slug"),
            acting=self.actor,
            parent_slug=given.validated_data.get("parent_domain"),
        )
        return Response(DomainOut(domain).data, status=201)


class VersionsApi(TenantApi):
    """A task's versions."""

    @extend_schema(responses=page_of(ListedVersionOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """List versions, newest first; the report of each is at its own address."""
        found = selectors.task_get(tenant=self.tenant, slug=task)
        return paged(request, selectors.version_list(tenant=self.tenant, task=found), ListedVersionOut)


class VersionApi(TenantApi):
    """One version."""

    @extend_schema(responses=VersionOut)
    def get(self, request: Request, tenant: str, task: str, number: int) -> Response:
        """One version with its report."""
        found = selectors.task_get(tenant=self.tenant, slug=task)
        version = selectors.version_get(tenant=self.tenant, task=found, number=number)
        return Response(VersionOut(version).data)


class VersionAdapterApi(TenantApi):
    """A version's adapter, to take away."""

    read_role = Role.DEVELOPER

    @extend_schema(responses=RESUMABLE_TAR)
    def get(self, request: Request, tenant: str, task: str, number: int) -> HttpResponseBase:
        """Download a version's adapter as a .tar, which can be brought again.

        Adapter, head and manifest as they stand in the store, each byte checked; the ETag is the version's
        digest. Each call leaves an entry in the audit log.
        """
        found = selectors.task_get(tenant=self.tenant, slug=task)
        version = selectors.version_get(tenant=self.tenant, task=found, number=number)
        archive = open_archive(version.bundle_uri, version.bundle_digest, ObjectStore(settings.ENV.store_url))
        services.version_taken(version=version, task=found, acting=self.actor)
        return _download(request, archive, f"{found.slug}-{version.number}.tar", tag=version.bundle_digest)


class VersionOfflineApi(TenantApi):
    """A version with all that it needs to predict without the platform."""

    read_role = Role.DEVELOPER

    @extend_schema(responses=RESUMABLE_TAR)
    def get(self, request: Request, tenant: str, task: str, number: int) -> HttpResponseBase:
        """Download a version to predict offline, as a .tar for `hmi predict --bundle`.

        Adapter, head, backbone, and in offline.json how its answers differ from those served: no PLOT goes
        along, and the lower layers are computed. A download that was cut off goes on with `Range: bytes=N-`
        (and the ETag as `If-Range`). Each call leaves an entry in the audit log.
        """
        found = selectors.task_get(tenant=self.tenant, slug=task)
        version = selectors.version_get(tenant=self.tenant, task=found, number=number)
        archive = open_offline_archive(
            BundleRef(BundleUri(version.bundle_uri), Digest(version.bundle_digest)),
            BundleRef(BundleUri(version.backbone.uri), Digest(version.backbone.digest)),
            version.report.get("offline"),
            ObjectStore(settings.ENV.store_url),
        )
        services.version_taken(version=version, task=found, acting=self.actor, with_backbone=True)
        file_name = f"{found.slug}-{version.number}-offline.tar"
        return _download(request, archive, file_name, tag=f"{version.bundle_digest}-offline")


def _download(request: Request, archive: AdapterArchive, file_name: str, *, tag: str) -> HttpResponseBase:
    return resumable(
        request,
        archive.pieces,
        num_bytes=archive.num_bytes,
        tag=f'"{tag}"',
        file_name=file_name,
        content_type="application/x-tar",
    )
