"""REST view of the tenant's audit log."""

from typing import Any

from django.utils.crypto import salted_hmac
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.audit.models import AuditEntry
from portal.audit.selectors import AuditFilter, audit_list
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.tenants.access import TenantApi


class AuditEntryOut(serializers.Serializer[Any]):
    """One change: who did what to which thing."""

    id = serializers.SerializerMethodField(help_text="Tells nothing but entries apart.")
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="user:ADDRESS, key:ID, job:ID or operator.")
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    details = serializers.DictField(help_text="Ids, names and states; never a text or a secret.")

    def get_id(self, entry: AuditEntry) -> str:
        """Entries are numbered over all tenants: a number would say how much the others do."""
        return salted_hmac("audit entry", str(entry.pk), algorithm="sha256").hexdigest()[:32]


class AuditQueryIn(serializers.Serializer[Any]):
    """Which entries."""

    action = serializers.CharField(
        max_length=64, required=False, help_text="key.create; or key for all that begin so."
    )
    actor = serializers.CharField(
        max_length=300,
        required=False,
        help_text="As it is written (user:ADDRESS), or a part of it without the colon.",
    )
    target_id = serializers.CharField(max_length=64, required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False, help_text="Exclusive.")


class AuditApi(TenantApi):
    """What was changed in the tenant."""

    @extend_schema(responses=page_of(AuditEntryOut), parameters=[*PAGE_PARAMETERS, AuditQueryIn])
    def get(self, request: Request, tenant: str) -> Response:
        """List changes, newest first."""
        query = AuditQueryIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        chosen = AuditFilter(**query.validated_data)
        return paged(request, audit_list(tenant=self.tenant, chosen=chosen), AuditEntryOut)
