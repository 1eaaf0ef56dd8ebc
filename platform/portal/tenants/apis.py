"""REST views of the user, tenants, members and keys."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.utils.decorators import method_decorator
from django.views.decorators.csrf import ensure_csrf_cookie
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal.common.errors import NotFound
from portal.common.fields import ChoiceField
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, SCOPES, page_of
from portal.common.slugs import is_slug
from portal.tenants import selectors, services
from portal.tenants.access import OWNER_POSTS, TenantApi
from portal.tenants.actors import actor_of_user
from portal.tenants.authentication import SessionAuthentication
from portal.tenants.models import Role, User
from wire.catalog import Scope

MAX_GRACE_S = 30 * 24 * 3600


class UserOut(serializers.Serializer[Any]):
    """A person."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    is_staff = serializers.BooleanField(help_text="May open the operator's console.")


class TenantOut(serializers.Serializer[Any]):
    """A tenant."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()


class PlaceOut(serializers.Serializer[Any]):
    """A tenant in which the user has a role."""

    tenant = TenantOut()
    role = ChoiceField(choices=Role.choices)


class MeOut(serializers.Serializer[Any]):
    """Who is signed in, and where they belong."""

    user = UserOut()
    memberships = PlaceOut(many=True)


class TenantIn(serializers.Serializer[Any]):
    """A new tenant."""

    name = serializers.CharField(max_length=200)
    slug = serializers.CharField(max_length=63, validators=[is_slug], required=False)


class MemberOut(serializers.Serializer[Any]):
    """A user's place in the tenant."""

    id = serializers.UUIDField()
    email = serializers.EmailField(source="user.email")
    name = serializers.CharField(source="user.name")
    role = ChoiceField(choices=Role.choices)
    created_at = serializers.DateTimeField()


class MemberIn(serializers.Serializer[Any]):
    """What is to change about a member."""

    role = ChoiceField(choices=Role.choices)


class KeyOut(serializers.Serializer[Any]):
    """An API key, without its text."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="How the key begins, to recognise it.")
    scopes = serializers.ListField(child=serializers.CharField())
    task = serializers.CharField(source="task.slug", allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(
        allow_null=True, help_text="To the minute or so: noted with each delivery of usage."
    )
    replaced_by = serializers.UUIDField(
        source="replaced_by_id",
        allow_null=True,
        help_text="The key that a rotation put in its place; this one ends at expires_at.",
    )


class NewKeyOut(KeyOut):
    """An API key with its text, which is never shown again."""

    secret = serializers.CharField()


class KeyIn(serializers.Serializer[Any]):
    """A new API key."""

    name = serializers.CharField(max_length=200)
    scopes = serializers.ListField(
        child=ChoiceField(choices=SCOPES),
        allow_empty=False,
        help_text="predict: call /v1; manage: call /api/v1 as a developer.",
    )
    task = serializers.CharField(
        max_length=63, required=False, allow_null=True, help_text="Slug; without it the key is for all tasks."
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class RotationIn(serializers.Serializer[Any]):
    """How a key is to be rotated."""

    grace_s = serializers.IntegerField(
        min_value=0,
        max_value=MAX_GRACE_S,
        default=86_400,
        help_text="Seconds for which the old key stays valid, at most 30 days.",
    )


class PlaygroundIn(serializers.Serializer[Any]):
    """What is to be tried."""

    task = serializers.CharField(max_length=63)


class PlaygroundOut(serializers.Serializer[Any]):
    """A key for trying one task, for a quarter of an hour."""

    secret = serializers.CharField()
    expires_at = serializers.DateTimeField()


class MeApi(APIView):
    """The signed-in user."""

    authentication_classes = (SessionAuthentication,)

    @extend_schema(responses=MeOut)
    @method_decorator(ensure_csrf_cookie)
    def get(self, request: Request) -> Response:
        """Who is signed in, and where they belong."""
        assert isinstance(request.user, User)
        places = selectors.membership_list_of_user(user=request.user)
        return Response(MeOut({"user": request.user, "memberships": places}).data)


class TenantsApi(APIView):
    """Tenants."""

    authentication_classes = (SessionAuthentication,)

    @extend_schema(request=TenantIn, responses={201: TenantOut})
    def post(self, request: Request) -> Response:
        """Make a tenant; the caller becomes its owner."""
        assert isinstance(request.user, User)
        given = TenantIn(data=request.data)
        given.is_valid(raise_exception=True)
        tenant = services.tenant_create(
            name=given.validated_data["name"],
            slug=given.validated_data.get("slug"),
            owner=request.user,
            acting=actor_of_user(request.user),
        )
        return Response(TenantOut(tenant).data, status=201)


class TenantDetailApi(TenantApi):
    """One tenant."""

    @extend_schema(responses=TenantOut)
    def get(self, request: Request, tenant: str) -> Response:
        """The tenant."""
        return Response(TenantOut(self.tenant).data)


class MembersApi(TenantApi):
    """Who belongs to the tenant."""

    @extend_schema(responses=page_of(MemberOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List members."""
        return paged(request, selectors.member_list(tenant=self.tenant), MemberOut)


class MemberApi(TenantApi):
    """One member."""

    write_roles: ClassVar[Mapping[str, Role]] = {"PUT": Role.OWNER}

    @extend_schema(request=MemberIn, responses=MemberOut)
    def put(self, request: Request, tenant: str, member: Any) -> Response:
        """Change a member's role; the last owner stays one."""
        given = MemberIn(data=request.data)
        given.is_valid(raise_exception=True)
        membership = services.member_role_set(
            tenant=self.tenant,
            membership_id=member,
            role=Role(given.validated_data["role"]),
            acting=self.actor,
        )
        return Response(MemberOut(membership).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, member: Any) -> Response:
        """Take a member's place away; the last owner stays."""
        services.member_remove(tenant=self.tenant, membership_id=member, acting=self.actor)
        return Response(status=204)


class OwnPlaceApi(TenantApi):
    """The caller's own place in the tenant."""

    write_roles: ClassVar[Mapping[str, Role]] = {"DELETE": Role.VIEWER}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str) -> Response:
        """Leave the tenant; the last owner stays. For users, not for keys."""
        if self.actor.user is None:
            raise NotFound("member: a key has no place to give up")
        own = selectors.member_list(tenant=self.tenant).filter(user=self.actor.user).first()
        if own is None:
            raise NotFound("member")  # somebody else was quicker
        services.member_remove(tenant=self.tenant, membership_id=own.pk, acting=self.actor)
        return Response(status=204)


class KeysApi(TenantApi):
    """API keys."""

    write_roles = OWNER_POSTS

    @extend_schema(responses=page_of(KeyOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List keys that have not been revoked."""
        return paged(request, selectors.key_list(tenant=self.tenant), KeyOut)

    @extend_schema(request=KeyIn, responses={201: NewKeyOut})
    def post(self, request: Request, tenant: str) -> Response:
        """Make a key. Its text is in this answer alone."""
        given = KeyIn(data=request.data)
        given.is_valid(raise_exception=True)
        slug = given.validated_data.get("task")
        new = services.key_create(
            tenant=self.tenant,
            name=given.validated_data["name"],
            scopes=[Scope(scope) for scope in dict.fromkeys(given.validated_data["scopes"])],
            task=selectors.key_task_get(tenant=self.tenant, slug=slug) if slug is not None else None,
            expires_at=given.validated_data.get("expires_at"),
            acting=self.actor,
        )
        return Response({**KeyOut(new.key).data, "secret": new.secret}, status=201)


class KeyApi(TenantApi):
    """One API key."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, key: Any) -> Response:
        """Revoke a key: within two seconds nothing takes it any more."""
        services.key_revoke(tenant=self.tenant, key_id=key, acting=self.actor)
        return Response(status=204)


class KeyRotateApi(TenantApi):
    """Rotation of an API key."""

    write_roles = OWNER_POSTS

    @extend_schema(request=RotationIn, responses={201: NewKeyOut})
    def post(self, request: Request, tenant: str, key: Any) -> Response:
        """Make a key in place of this one, with a text of its own, shown in this answer alone.

        The old one goes on for ``grace_s``, so that applications can change over without a gap.
        """
        given = RotationIn(data=request.data)
        given.is_valid(raise_exception=True)
        new = services.key_rotate(
            tenant=self.tenant,
            key_id=key,
            grace=timedelta(seconds=given.validated_data["grace_s"]),
            acting=self.actor,
        )
        return Response({**KeyOut(new.key).data, "secret": new.secret}, status=201)


class PlaygroundTokenApi(TenantApi):
    """Keys of the dashboard's page for trying a text."""

    @extend_schema(request=PlaygroundIn, responses={201: PlaygroundOut})
    def post(self, request: Request, tenant: str) -> Response:
        """A key for predictions of one task, for fifteen minutes."""
        given = PlaygroundIn(data=request.data)
        given.is_valid(raise_exception=True)
        new = services.playground_key_create(
            tenant=self.tenant,
            task=selectors.key_task_get(tenant=self.tenant, slug=given.validated_data["task"]),
            acting=self.actor,
        )
        return Response(
            PlaygroundOut({"secret": new.secret, "expires_at": new.key.expires_at}).data, status=201
        )
