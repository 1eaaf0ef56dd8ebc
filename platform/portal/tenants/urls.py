"""Addresses under /api/v1/."""

from django.urls import path

from portal.tenants import apis

urlpatterns = [
    path("me", apis.MeApi.as_view()),
    path("tenants", apis.TenantsApi.as_view()),
    path("tenants/<slug:tenant>", apis.TenantDetailApi.as_view()),
    path("tenants/<slug:tenant>/members", apis.MembersApi.as_view()),
    path("tenants/<slug:tenant>/members/<uuid:member>", apis.MemberApi.as_view()),
    path("tenants/<slug:tenant>/keys", apis.KeysApi.as_view()),
    path("tenants/<slug:tenant>/keys/<uuid:key>", apis.KeyApi.as_view()),
    path("tenants/<slug:tenant>/playground-token", apis.PlaygroundTokenApi.as_view()),
]
