"""REST view of a task's traffic."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog import selectors as catalog
from portal.common.fields import ChoiceField
from portal.tenants.access import TenantApi
from portal.usage.traffic import Step, traffic


class TrafficQueryIn(serializers.Serializer[Any]):
    """How fine, how far back, and of which version."""

    by = ChoiceField(choices=[step.value for step in Step], default=Step.HOUR.value)
    periods = serializers.IntegerField(
        min_value=1, max_value=336, default=48, help_text="Hours or days, the one under way included."
    )
    version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="Its number; of all versions without it."
    )


class RungSharesOut(serializers.Serializer[Any]):
    """Share of tokens answered at each rung; they sum to 1."""

    trigram = serializers.FloatField()
    bigram = serializers.FloatField()
    unigram = serializers.FloatField()
    exact = serializers.FloatField(help_text="Their lower layers were computed.")


class TrafficPeriodOut(serializers.Serializer[Any]):
    """What was answered in one hour or day (UTC)."""

    at = serializers.DateTimeField(help_text="Its beginning.")
    num_requests = serializers.IntegerField()
    num_texts = serializers.IntegerField()
    num_tokens = serializers.IntegerField()
    latency_p50_ms = serializers.FloatField(
        allow_null=True, help_text="From a request's arrival until its answer stood; right to a fifth."
    )
    latency_p99_ms = serializers.FloatField(allow_null=True)
    coverage = RungSharesOut(allow_null=True)


class TrafficOut(serializers.Serializer[Any]):
    """Periods in order, without a gap; counts are 0 and figures null where there was nothing."""

    by = ChoiceField(choices=[step.value for step in Step])
    results = TrafficPeriodOut(many=True)


class TrafficApi(TenantApi):
    """What a task was asked, how quickly it answered, and how well PLOT covered it."""

    @extend_schema(parameters=[TrafficQueryIn], responses=TrafficOut)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """Traffic, latency and coverage by hour or day, of answered requests; kept for 92 days."""
        query = TrafficQueryIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = catalog.task_get(tenant=self.tenant, slug=task)
        number = query.validated_data.get("version")
        version = number and catalog.version_get(tenant=self.tenant, task=found, number=number)
        step = Step(query.validated_data["by"])
        periods = traffic(
            tenant=self.tenant,
            task_id=found.pk,
            version_id=version.pk if version else None,
            step=step,
            num_periods=query.validated_data["periods"],
            now=timezone.now(),
        )
        return Response(TrafficOut({"by": step.value, "results": periods}).data)
