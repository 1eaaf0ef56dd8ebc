"""REST views of usage, and of what is allowed."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.selectors import task_list
from portal.common.download import Download
from portal.common.fields import ChoiceField
from portal.tenants.access import TenantApi
from portal.tenants.models import Tenant
from portal.usage import selectors
from portal.usage.models import QuotaPeriod


class UsageQueryIn(serializers.Serializer[Any]):
    """How far back, and how fine."""

    days = serializers.IntegerField(min_value=1, max_value=366, default=30)
    by = ChoiceField(
        choices=["task", "key"], default="task", help_text="A row for each task, or for each task and key."
    )


class UsageRowOut(serializers.Serializer[Any]):
    """One task, or one key's use of it, on one day (UTC)."""

    task = serializers.CharField(allow_null=True, help_text="Slug; null when the task has been deleted.")
    task_id = serializers.UUIDField()
    key = serializers.CharField(
        allow_null=True, help_text="The key's name; null of all keys, and of one that is gone."
    )
    key_id = serializers.UUIDField(allow_null=True)
    day = serializers.DateField()
    num_requests = serializers.IntegerField()
    num_texts = serializers.IntegerField()
    num_tokens = serializers.IntegerField()
    num_truncated = serializers.IntegerField()


class UsageOut(serializers.Serializer[Any]):
    """Usage of the last days; days without any are absent."""

    days = serializers.IntegerField()
    results = UsageRowOut(many=True)


class AllowanceOut(serializers.Serializer[Any]):
    """What the tenant may use, and has used in this period."""

    plan = serializers.CharField()
    weight = serializers.FloatField(help_text="Share of a busy device: twice the weight, twice the share.")
    requests_per_s = serializers.FloatField(allow_null=True, help_text="Of each key; null: as many as come.")
    burst = serializers.IntegerField(help_text="Requests that a key may send at once.")
    period = ChoiceField(choices=QuotaPeriod.choices)
    period_began = serializers.DateField()
    quota_texts = serializers.IntegerField(allow_null=True, help_text="In a period; null: no quota.")
    quota_tokens = serializers.IntegerField(allow_null=True)
    used_texts = serializers.IntegerField()
    used_tokens = serializers.IntegerField()
    max_stored_bytes = serializers.IntegerField(
        allow_null=True, help_text="Of datasets, uploads and what trainings made of them; null: no limit."
    )
    stored_bytes = serializers.IntegerField(help_text="Of those, now.")


class UsageApi(TenantApi):
    """What the tenant's tasks were used."""

    @extend_schema(parameters=[UsageQueryIn], responses=UsageOut)
    def get(self, request: Request, tenant: str) -> Response:
        """Usage per day and task, and key if asked for."""
        days, rows, slug_of = _usage(self.tenant, request)
        results = [{"task": slug_of.get(row.task_id), **asdict(row)} for row in rows]
        return Response(UsageOut({"days": days, "results": results}).data)


class UsageExportApi(TenantApi):
    """The same as a table."""

    @extend_schema(parameters=[UsageQueryIn], responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, tenant: str) -> HttpResponseBase:
        """Usage per day and task, and key if asked for, as a CSV file."""
        _, rows, slug_of = _usage(self.tenant, request)
        pieces = selectors.usage_csv(rows, slug_of)
        return Download(pieces, file_name=f"{self.tenant.slug}.usage.csv", content_type="text/csv")


def _usage(tenant: Tenant, request: Request) -> tuple[int, list[selectors.UsageRow], dict[UUID, str]]:
    query = UsageQueryIn(data=request.query_params)
    query.is_valid(raise_exception=True)
    days = query.validated_data["days"]
    by_key = query.validated_data["by"] == "key"
    rows = selectors.usage_by_day(tenant=tenant, days=days, now=timezone.now(), by_key=by_key)
    return days, rows, dict(task_list(tenant=tenant).values_list("id", "slug"))


class AllowanceApi(TenantApi):
    """What the operator allows."""

    @extend_schema(responses=AllowanceOut)
    def get(self, request: Request, tenant: str) -> Response:
        """Rate limit, quota and storage, and what of it is used: of a quota in this period."""
        allowance = selectors.allowance_get(tenant=self.tenant, now=timezone.now())
        stored = selectors.stored_bytes(tenant=self.tenant)
        return Response(AllowanceOut({**asdict(allowance), "stored_bytes": stored}).data)
