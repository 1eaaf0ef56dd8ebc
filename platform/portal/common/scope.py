"""Who the current transaction works for: the session settings that PostgreSQL's row-level security reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Scope:
    """What the policies may let through; empty fields let nothing through."""

    tenant_id: str = ""
    user_id: str = ""
    key_sha256: str = ""  # 64 hexadecimal digits
    is_operator: bool = False


NOBODY = Scope()
_current: ContextVar[Scope] = ContextVar("hmi_scope", default=NOBODY)


@contextmanager
def tenant_scope(tenant_id: UUID | str) -> Iterator[None]:
    """A transaction that sees and writes one tenant's rows, and the shared ones."""
    with _scope(Scope(tenant_id=str(tenant_id))):
        yield


@contextmanager
def operator_scope() -> Iterator[None]:
    """A transaction that sees every tenant: the console, and jobs that look for work."""
    with _scope(Scope(is_operator=True)):
        yield


@contextmanager
def user_scope(user_id: UUID | str) -> Iterator[None]:
    """A transaction that sees the user's own memberships and the tenants they lead to."""
    with _scope(Scope(user_id=str(user_id))):
        yield


@contextmanager
def key_scope(key_sha256: bytes) -> Iterator[None]:
    """A transaction that sees the one API key with this hash and its tenant, or the one invitation."""
    with _scope(Scope(key_sha256=key_sha256.hex())):
        yield


@contextmanager
def _scope(scope: Scope) -> Iterator[None]:
    with transaction.atomic():
        _apply(scope)
        token = _current.set(scope)
        outer = NOBODY if token.old_value is token.MISSING else token.old_value
        try:
            yield
            # A released savepoint keeps its settings; one that is rolled back restores the outer ones itself.
            if not connection.needs_rollback:
                _apply(outer)
        finally:
            _current.reset(token)


def _apply(scope: Scope) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('hmi.tenant_id', %s, true), set_config('hmi.user_id', %s, true),"
            " set_config('hmi.key_sha256', %s, true), set_config('hmi.scope', %s, true)",
            [scope.tenant_id, scope.user_id, scope.key_sha256, "operator" if scope.is_operator else ""],
        )
