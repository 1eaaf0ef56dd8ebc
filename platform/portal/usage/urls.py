"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.usage import apis, traffic_apis

urlpatterns = [
    path("usage", apis.UsageApi.as_view()),
    path("tasks/<slug:task>/traffic", traffic_apis.TrafficApi.as_view()),
    path("usage/export", apis.UsageExportApi.as_view()),
    path("usage/allowance", apis.AllowanceApi.as_view()),
]
