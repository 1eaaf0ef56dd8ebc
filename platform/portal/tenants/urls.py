"""Addresses under /api/v1/."""

from django.urls import path

from portal.tenants import apis, audit_apis, invitation_apis

urlpatterns = [
    path("me", apis.MeApi.as_view()),
    path("tenants", apis.TenantsApi.as_view()),
    path("tenants/<slug:tenant>", apis.TenantDetailApi.as_view()),
    path("tenants/<slug:tenant>/audit", audit_apis.AuditApi.as_view()),
    path("tenants/<slug:tenant>/members", apis.MembersApi.as_view()),
    path("tenants/<slug:tenant>/members/me", apis.OwnPlaceApi.as_view()),
    path("tenants/<slug:tenant>/members/<uuid:member>", apis.MemberApi.as_view()),
    path("tenants/<slug:tenant>/invitations", invitation_apis.InvitationsApi.as_view()),
    path("tenants/<slug:tenant>/invitations/<uuid:invitation>", invitation_apis.InvitationApi.as_view()),
    path(
        "tenants/<slug:tenant>/invitations/<uuid:invitation>/resend",
        invitation_apis.InvitationResendApi.as_view(),
    ),
    path("invitations/look", invitation_apis.InvitationLookApi.as_view()),
    path("invitations/accept", invitation_apis.InvitationAcceptApi.as_view()),
    path("tenants/<slug:tenant>/keys", apis.KeysApi.as_view()),
    path("tenants/<slug:tenant>/keys/<uuid:key>", apis.KeyApi.as_view()),
    path("tenants/<slug:tenant>/keys/<uuid:key>/rotate", apis.KeyRotateApi.as_view()),
    path("tenants/<slug:tenant>/playground-token", apis.PlaygroundTokenApi.as_view()),
]
