"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.catalog import apis

urlpatterns = [
    path("domains", apis.DomainsApi.as_view()),
    path("tasks/<slug:task>/versions", apis.VersionsApi.as_view()),
    path("tasks/<slug:task>/versions/<int:number>", apis.VersionApi.as_view()),
    path("tasks/<slug:task>/versions/<int:number>/adapter", apis.VersionAdapterApi.as_view()),
    path("tasks/<slug:task>/versions/<int:number>/offline", apis.VersionOfflineApi.as_view()),
]
