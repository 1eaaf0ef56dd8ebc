"""REST view of drift."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog import selectors as catalog
from portal.common.errors import NotFound
from portal.common.fields import ChoiceField
from portal.serving import selectors
from portal.serving.drift import LiveCounts, drift_of
from portal.serving.drift_actions import ActionName, actions_of
from portal.serving.drift_alarms import first_day
from portal.serving.models import DriftPart
from portal.tenants.access import TenantApi
from portal.usage.selectors import version_counts


class DriftQueryIn(serializers.Serializer[Any]):
    """Of how many days."""

    days = serializers.IntegerField(min_value=1, max_value=90, default=7)


class CoverageDriftOut(serializers.Serializer[Any]):
    """Share of tokens answered by a trigram or a bigram."""

    training = serializers.FloatField(help_text="On the report's test rows.")
    live = serializers.FloatField()
    threshold = serializers.FloatField(help_text="Alarm when live is below training by more.")
    is_alarm = serializers.BooleanField()


class CountsDriftOut(serializers.Serializer[Any]):
    """Shares of texts by bucket."""

    training = serializers.ListField(child=serializers.FloatField())
    live = serializers.ListField(child=serializers.FloatField())
    stability_index = serializers.FloatField(help_text="Less what chance makes of so few texts.")
    threshold = serializers.FloatField(help_text="Alarm above it.")
    is_alarm = serializers.BooleanField()
    bounds = serializers.ListField(
        child=serializers.FloatField(), help_text="Between the buckets of predicted values; else empty."
    )


class DriftAlarmOut(serializers.Serializer[Any]):
    """An alarm that stands."""

    part = ChoiceField(choices=DriftPart.choices)
    since = serializers.DateTimeField(source="created_at")
    figures = serializers.DictField(help_text="As they were when it began, and as webhooks were told.")


class DriftActionOut(serializers.Serializer[Any]):
    """A call that may help: a POST to path with body."""

    name = ChoiceField(choices=[name.value for name in ActionName])
    path = serializers.CharField()
    body = serializers.DictField(allow_null=True)
    is_suggested = serializers.BooleanField(help_text="By what alarms in these days.")
    obstacle = serializers.CharField(allow_null=True, help_text="Why it cannot be done as it stands.")


class DriftOut(serializers.Serializer[Any]):
    """Live texts against what the version was tested on; null where numbers are missing."""

    version = serializers.IntegerField()
    days = serializers.IntegerField()
    num_texts = serializers.IntegerField()
    min_texts = serializers.IntegerField(help_text="Fewer alarm nobody.")
    is_enough = serializers.BooleanField()
    is_alarm = serializers.BooleanField()
    coverage = CoverageDriftOut(allow_null=True)
    scores = CountsDriftOut(
        allow_null=True, help_text="By the score of the answer, in equal buckets; or by the value predicted."
    )
    labels = CountsDriftOut(allow_null=True, help_text="By the answer, in the order of the version's labels.")
    alarms = DriftAlarmOut(many=True, help_text="That stand, by the last seven days.")
    actions = DriftActionOut(many=True)


class DriftApi(TenantApi):
    """Whether what the live version sees has shifted."""

    @extend_schema(parameters=[DriftQueryIn], responses=DriftOut)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """Drift of the version that serves; 404 when none does."""
        query = DriftQueryIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        days = query.validated_data["days"]
        found = catalog.task_get(tenant=self.tenant, slug=task)
        deployment = selectors.deployment_active(tenant=self.tenant, task=found)
        if deployment is None:
            raise NotFound("deployment")
        first = first_day(timezone.now(), days)
        counted = version_counts(tenant=self.tenant, version_id=deployment.version_id, first=first)
        drift = drift_of(deployment.version.report, LiveCounts(**counted))
        told = {name: getattr(drift, name) for name in drift.__slots__}
        shape = {
            "version": deployment.version.number,
            "days": days,
            **told,
            "alarms": selectors.alarm_list(tenant=self.tenant, deployments=[deployment]),
            "actions": actions_of(deployment, drift),
        }
        return Response(DriftOut(shape).data)
