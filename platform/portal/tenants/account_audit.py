"""What users do with their accounts through allauth, noted in the audit log."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa

from portal.audit.services import audit_record
from portal.tenants.actors import actor_of_user
from portal.tenants.models import User

_ACTIONS = (
    (account.password_changed, "user.password_change"),
    (account.password_reset, "user.password_reset"),
    (account.email_added, "user.email_add"),
    (account.email_changed, "user.email_change"),
    (account.email_removed, "user.email_remove"),
    (mfa.authenticator_added, "user.mfa_add"),
    (mfa.authenticator_removed, "user.mfa_remove"),
    (mfa.authenticator_reset, "user.mfa_reset"),
)


def connect() -> None:
    """Listen to allauth; called once, when Django starts."""
    for signal, action in _ACTIONS:
        signal.connect(_Noting(action), weak=False, dispatch_uid=f"audit.{action}")
    account.email_confirmed.connect(_email_confirmed, dispatch_uid="audit.user.email_confirm")


class _Noting:
    """Notes one kind of change."""

    def __init__(self, action: str) -> None:
        self._action = action

    def __call__(self, *, user: User, **_given: Any) -> None:
        _note(self._action, user)


def _email_confirmed(*, email_address: Any, **_given: Any) -> None:
    _note("user.email_confirm", email_address.user)


def _note(action: str, user: User) -> None:
    audit_record(actor=actor_of_user(user).name, action=action, target=user, tenant=None)
