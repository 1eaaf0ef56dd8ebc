"""Who calls the REST API: a signed-in browser, or an application with an API key of scope ``manage``."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from portal.common.scope import key_scope, tenant_scope
from portal.tenants.keys import secret_hash
from portal.tenants.models import ApiKey
from wire.catalog import KEY_PREFIX, Scope

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Application:
    """Takes the user's place in requests with an API key."""

    key: ApiKey
    is_authenticated: bool = True
    is_active: bool = True
    is_staff: bool = False


class KeyAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer hmi_...``; ``request.auth`` is the key, its tenant loaded."""

    def authenticate(self, request: Request) -> tuple[Application, ApiKey] | None:
        """None when no key was sent; AuthenticationFailed (401) for one that does not count."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        secret = secret.strip()
        key = _usable_key(secret) if secret.startswith(KEY_PREFIX) else None
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is wrong, revoked or expired.")
        if Scope.MANAGE not in key.scopes:
            raise exceptions.PermissionDenied(
                "This API key may not manage: its scopes are "
                + ", ".join(key.scopes)
                + ". Use one with the scope 'manage'."
            )
        _note_use(key)
        return Application(key), key

    def authenticate_header(self, request: Request) -> str:
        """Makes DRF answer 401 instead of 403."""
        return 'Bearer realm="hmi"'


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie of a browser, with the CSRF check on every change."""


class _KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = KeyAuthentication
    name = "apiKey"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of scope manage: hmi_..."}


class _SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "hmi_session"}


def _usable_key(secret: str) -> ApiKey | None:
    hashed = secret_hash(secret)
    with key_scope(hashed):
        return (
            ApiKey.objects.unscoped()
            .select_related("tenant")
            .filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()))
            .filter(key_sha256=hashed, revoked_at=None, tenant__is_active=True)
            .first()
        )


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - USE_NOTED_EVERY:
        with tenant_scope(key.tenant_id):
            ApiKey.objects.for_tenant(key.tenant).filter(pk=key.pk).update(last_used_at=now)
