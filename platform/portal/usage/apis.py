"""REST view of usage."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog.selectors import task_list
from portal.tenants.access import TenantApi
from portal.usage import selectors


class UsageQueryIn(serializers.Serializer[Any]):
    """How far back."""

    days = serializers.IntegerField(min_value=1, max_value=366, default=30)


class UsageRowOut(serializers.Serializer[Any]):
    """One task on one day (UTC)."""

    task = serializers.CharField(allow_null=True, help_text="Slug; null when the task has been deleted.")
    task_id = serializers.UUIDField()
    day = serializers.DateField()
    num_requests = serializers.IntegerField()
    num_texts = serializers.IntegerField()
    num_tokens = serializers.IntegerField()
    num_truncated = serializers.IntegerField()


class UsageOut(serializers.Serializer[Any]):
    """Usage of the last days, per task and day; days without any are absent."""

    days = serializers.IntegerField()
    results = UsageRowOut(many=True)


class UsageApi(TenantApi):
    """What the tenant's tasks were used."""

    @extend_schema(parameters=[UsageQueryIn], responses=UsageOut)
    def get(self, request: Request, tenant: str) -> Response:
        """Usage per task and day."""
        query = UsageQueryIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        days = query.validated_data["days"]
        rows = selectors.usage_by_task_and_day(tenant=self.tenant, days=days, now=timezone.now())
        slug_of = dict(task_list(tenant=self.tenant).values_list("id", "slug"))
        results = [
            {
                "task": slug_of.get(row.task_id),
                "task_id": row.task_id,
                "day": row.day,
                "num_requests": row.num_requests,
                "num_texts": row.num_texts,
                "num_tokens": row.num_tokens,
                "num_truncated": row.num_truncated,
            }
            for row in rows
        ]
        return Response(UsageOut({"days": days, "results": results}).data)
