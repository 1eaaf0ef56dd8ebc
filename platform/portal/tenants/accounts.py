"""How allauth and axes see our users: sign-ups are audited, sign-ins counted, second factors sealed."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest

from portal.audit.services import audit_record
from portal.common.sealing import seal, unseal
from portal.tenants.actors import actor_of_user
from portal.tenants.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's hooks."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A user who has just signed up."""
        saved: User = super().save_user(request, user, form, commit)
        if commit:
            actor = actor_of_user(saved)
            audit_record(actor=actor.name, action="user.sign_up", target=saved, tenant=None)
        return saved


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """allauth's hooks for second factors."""

    def encrypt(self, text: str) -> str:
        """How a factor's secret is kept."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Its inverse."""
        return unseal(encrypted_text)


def sign_in_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str | None:
    """The address that a sign-in names: allauth calls it ``email``, the console ``username``."""
    given = credentials or request.POST
    name = given.get("email") or given.get("username")
    return str(name).lower() if name else None
