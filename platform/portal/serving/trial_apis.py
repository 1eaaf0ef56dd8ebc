"""REST views of trials: a second version of a task, tried beside the one that serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.catalog import selectors as catalog
from portal.common.errors import NotFound
from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import PageNumbers
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.serving import selectors, trials
from portal.serving.models import Trial, TrialKind, TrialState
from portal.serving.verdict import Outcome, Verdict, judge
from portal.tenants.access import DEVELOPER_DELETES, TenantApi
from portal.tenants.models import Tenant
from portal.usage.models import LATENCY_BOUNDS_MS, TrialFigures

MIN_TEXTS, MIN_AGREEMENT = 500, 0.9
DEFAULT_SHARE = {TrialKind.SHADOW: 1.0, TrialKind.CANARY: 0.1}


class TrialIn(serializers.Serializer[Any]):
    """Which version is to be tried, and how."""

    version = serializers.IntegerField(min_value=1, help_text="Number of the version.")
    kind = ChoiceField(
        choices=TrialKind.choices,
        help_text="shadow: computed beside the live version, never answers; canary: answers its share.",
    )
    share = serializers.FloatField(
        min_value=0.001,
        max_value=1.0,
        required=False,
        help_text="Of the requests, chosen by a hash of the request id; 1 for a shadow, 0.1 for a canary.",
    )
    is_automatic = serializers.BooleanField(
        required=False, help_text="Carry the verdict out; unless given, for a canary and not for a shadow."
    )
    min_texts = serializers.IntegerField(
        min_value=50, max_value=1_000_000, default=MIN_TEXTS, help_text="Compared before there is a verdict."
    )
    min_agreement = serializers.FloatField(
        min_value=0.0,
        max_value=1.0,
        default=MIN_AGREEMENT,
        help_text="Share of texts that must get the live version's label.",
    )


class VerdictOut(serializers.Serializer[Any]):
    """What the figures say now."""

    outcome = ChoiceField(choices=[(outcome.value, outcome.value) for outcome in Outcome])
    reason = serializers.CharField()
    agreement = serializers.FloatField(allow_null=True)
    agreement_low = serializers.FloatField(help_text="Interval of three standard errors.")
    agreement_high = serializers.FloatField()
    failure_p = serializers.FloatField(help_text="Sign test of requests that one version alone failed.")


class LatencyOut(serializers.Serializer[Any]):
    """Milliseconds from the queue to the answer, of the requests that both versions answered."""

    mean_ms = serializers.FloatField(allow_null=True)
    counts = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="Requests by latency: under bounds_ms[0], ...",
    )


class ComparisonOut(serializers.Serializer[Any]):
    """What was counted on the requests that both versions got."""

    num_requests = serializers.IntegerField()
    num_live_failed = serializers.IntegerField(help_text="Requests that the live version alone failed.")
    num_trial_failed = serializers.IntegerField(help_text="Requests that the version on trial alone failed.")
    num_both_failed = serializers.IntegerField()
    num_texts = serializers.IntegerField(help_text="Texts that both answered.")
    num_agreed = serializers.IntegerField(help_text="Of these, with the same label from both.")
    mean_difference = serializers.FloatField(
        allow_null=True, help_text="Of the live label's score in both versions, mean over the texts."
    )
    difference_counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="Texts by that difference: 0 to 0.1, ..., 0.9 to 1."
    )
    bounds_ms = serializers.ListField(child=serializers.IntegerField())
    live = LatencyOut()
    trial = LatencyOut()


class TrialOut(serializers.Serializer[Any]):
    """A version on trial, or one that was."""

    id = serializers.UUIDField(source="trial.id")
    version = serializers.IntegerField(source="trial.version.number")
    version_id = serializers.UUIDField(source="trial.version_id")
    against = serializers.IntegerField(source="trial.against.number", help_text="The version that serves.")
    kind = ChoiceField(source="trial.kind", choices=TrialKind.choices)
    share = serializers.FloatField(source="trial.share")
    is_automatic = serializers.BooleanField(source="trial.is_automatic")
    min_texts = serializers.IntegerField(source="trial.min_texts")
    min_agreement = serializers.FloatField(source="trial.min_agreement")
    state = ChoiceField(source="trial.state", choices=TrialState.choices)
    reason = serializers.CharField(source="trial.reason", help_text="Why it ended; empty while it runs.")
    created_by = serializers.EmailField(source="trial.created_by.email", allow_null=True, default=None)
    created_at = serializers.DateTimeField(source="trial.created_at")
    ended_at = serializers.DateTimeField(source="trial.ended_at", allow_null=True)
    comparison = ComparisonOut(allow_null=True)
    verdict = VerdictOut()


class TrialsApi(TenantApi):
    """A task's trials."""

    @extend_schema(responses=page_of(TrialOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """List trials, newest first."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        pages = PageNumbers()
        page = pages.paginate_queryset(selectors.trial_list(tenant=self.tenant, task=found), request) or []
        return pages.get_paginated_response(trials_told(self.tenant, page))

    @extend_schema(request=TrialIn, responses={201: TrialOut})
    @idempotent
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Try a version beside the one that serves; at most one a task."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        given = TrialIn(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        kind = TrialKind(asked["kind"])
        trial = trials.trial_start(
            version=catalog.version_get(tenant=self.tenant, task=found, number=asked["version"]),
            kind=kind,
            share=asked.get("share", DEFAULT_SHARE[kind]),
            is_automatic=asked.get("is_automatic", kind == TrialKind.CANARY),
            min_texts=asked["min_texts"],
            min_agreement=asked["min_agreement"],
            acting=self.actor,
        )
        return Response(trials_told(self.tenant, [trial])[0], status=201)


class CurrentTrialApi(TenantApi):
    """The version that is tried now."""

    write_roles = DEVELOPER_DELETES

    @extend_schema(responses=TrialOut)
    def get(self, request: Request, tenant: str, task: str) -> Response:
        """The running trial with its figures and what they say; 404 when there is none."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        trial = selectors.trial_running(tenant=self.tenant, task=found)
        if trial is None:
            raise NotFound("trial")
        return Response(trials_told(self.tenant, [trial])[0])

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, task: str) -> Response:
        """Roll back: the version on trial gets no more requests."""
        trials.trial_roll_back(task=catalog.task_get(tenant=self.tenant, slug=task), acting=self.actor)
        return Response(status=204)


class TrialPromotionApi(TenantApi):
    """Letting the version on trial serve."""

    @extend_schema(request=None, responses=TrialOut)
    def post(self, request: Request, tenant: str, task: str) -> Response:
        """Promote: the version on trial is deployed, whatever the verdict."""
        found = catalog.task_get(tenant=self.tenant, slug=task)
        trial = trials.trial_promote(task=found, acting=self.actor)
        return Response(trials_told(self.tenant, [trial])[0])


def trials_told(tenant: Tenant, found: Sequence[Trial]) -> list[Any]:
    """Trials with their figures and verdicts, as TrialOut."""
    figures = selectors.trial_figures(tenant=tenant, trials=found)
    told = []
    for trial, counted in zip(found, figures, strict=True):
        verdict = judge(counted, min_texts=trial.min_texts, min_agreement=trial.min_agreement)
        comparison = None if counted is None else _comparison(counted)
        told.append(TrialOut(_Told(trial, comparison, verdict)).data)
    return told


@dataclass(frozen=True, slots=True)
class _Told:
    """A trial's row, and what was counted beside it."""

    trial: Trial
    comparison: dict[str, Any] | None
    verdict: Verdict


def _comparison(figures: TrialFigures) -> dict[str, Any]:
    answered = figures.num_requests - (
        figures.num_live_failed + figures.num_trial_failed + figures.num_both_failed
    )
    return {
        "num_requests": figures.num_requests,
        "num_live_failed": figures.num_live_failed,
        "num_trial_failed": figures.num_trial_failed,
        "num_both_failed": figures.num_both_failed,
        "num_texts": figures.num_texts,
        "num_agreed": figures.num_agreed,
        "mean_difference": figures.difference / figures.num_texts if figures.num_texts else None,
        "difference_counts": figures.difference_counts,
        "bounds_ms": LATENCY_BOUNDS_MS,
        "live": {
            "mean_ms": figures.live_ms / answered if answered else None,
            "counts": figures.live_ms_counts,
        },
        "trial": {
            "mean_ms": figures.trial_ms / answered if answered else None,
            "counts": figures.trial_ms_counts,
        },
    }
