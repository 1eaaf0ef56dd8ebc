"""REST views of invitations: an owner's, and of the one who was invited."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.common.fields import ChoiceField
from portal.common.idempotency import idempotent
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.common.throttle import CallerThrottle, MailThrottle
from portal.tenants import invitations, selectors
from portal.tenants.access import OWNER_POSTS, TenantApi
from portal.tenants.apis import PlaceOut
from portal.tenants.authentication import SessionAuthentication
from portal.tenants.models import Role, User


class InvitationOut(serializers.Serializer[Any]):
    """An invitation that has not been accepted."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    role = ChoiceField(choices=Role.choices)
    invited_by = serializers.EmailField(source="invited_by.email", allow_null=True, default=None)
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitationIn(serializers.Serializer[Any]):
    """Who is to be invited."""

    email = serializers.EmailField()
    role = ChoiceField(choices=Role.choices)


class TokenIn(serializers.Serializer[Any]):
    """What stands after ``#`` in the link of the mail."""

    token = serializers.CharField(max_length=100)


class OfferOut(serializers.Serializer[Any]):
    """What an invitation offers."""

    tenant = serializers.CharField(source="tenant.name", help_text="Its name for people.")
    email = serializers.EmailField(source="invitation.email", help_text="Who may accept it.")
    role = ChoiceField(source="invitation.role", choices=Role.choices)
    expires_at = serializers.DateTimeField(source="invitation.expires_at")


class InvitationsApi(TenantApi):
    """Open invitations."""

    write_roles = OWNER_POSTS
    throttle_classes = (CallerThrottle, MailThrottle)

    @extend_schema(responses=page_of(InvitationOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List invitations that have not been accepted, newest first."""
        return paged(request, selectors.invitation_list(tenant=self.tenant), InvitationOut)

    @extend_schema(request=InvitationIn, responses={201: InvitationOut})
    @idempotent
    def post(self, request: Request, tenant: str) -> Response:
        """Invite an address by mail; the link is valid for seven days, once."""
        given = InvitationIn(data=request.data)
        given.is_valid(raise_exception=True)
        invitation = invitations.invitation_create(
            tenant=self.tenant,
            email=given.validated_data["email"],
            role=Role(given.validated_data["role"]),
            acting=self.actor,
        )
        return Response(InvitationOut(invitation).data, status=201)


class InvitationApi(TenantApi):
    """One open invitation."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, invitation: Any) -> Response:
        """Revoke it: its link ends."""
        invitations.invitation_revoke(tenant=self.tenant, invitation_id=invitation, acting=self.actor)
        return Response(status=204)


class InvitationResendApi(TenantApi):
    """Sending an invitation again."""

    write_roles = OWNER_POSTS
    throttle_classes = (CallerThrottle, MailThrottle)

    @extend_schema(request=None, responses=InvitationOut)
    def post(self, request: Request, tenant: str, invitation: Any) -> Response:
        """Send a new mail with a new link, valid for seven days; the old link ends."""
        sent = invitations.invitation_resend(tenant=self.tenant, invitation_id=invitation, acting=self.actor)
        return Response(InvitationOut(sent).data)


class InvitationLookApi(APIView):
    """An invitation, for whoever has its token."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(request=TokenIn, responses=OfferOut)
    def post(self, request: Request) -> Response:
        """What the invitation with this token offers; needs no session and changes nothing."""
        given = TokenIn(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(OfferOut(invitations.invitation_look(secret=given.validated_data["token"])).data)


class InvitationAcceptApi(APIView):
    """Accepting an invitation."""

    authentication_classes = (SessionAuthentication,)

    @extend_schema(request=TokenIn, responses=PlaceOut)
    def post(self, request: Request) -> Response:
        """Join the tenant; the signed-in user's address must be the one that was invited."""
        assert isinstance(request.user, User)
        given = TokenIn(data=request.data)
        given.is_valid(raise_exception=True)
        place = invitations.invitation_accept(secret=given.validated_data["token"], user=request.user)
        return Response(PlaceOut(place).data)
