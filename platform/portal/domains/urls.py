"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.domains import apis

urlpatterns = [
    path("forget", apis.TenantForgetApi.as_view()),
    path("domains/<slug:domain>/updates", apis.DomainUpdatesApi.as_view()),
    path("domains/<slug:domain>/bring-back", apis.DomainBringBackApi.as_view()),
    path("domains/<slug:domain>/trees", apis.DomainTreesApi.as_view()),
    path("contributions", apis.ContributionsApi.as_view()),
    path("contributions/<uuid:contribution>", apis.ContributionApi.as_view()),
    path("tasks/<slug:task>/gate-consent", apis.GateConsentApi.as_view()),
    path("datasets/<uuid:dataset>/suggestion", apis.SuggestionApi.as_view()),
    path("datasets/<uuid:dataset>/suggestion/split", apis.SuggestionSplitApi.as_view()),
    path("deletions", apis.DeletionsApi.as_view()),
    path("deletions/<uuid:deletion>", apis.DeletionApi.as_view()),
]
