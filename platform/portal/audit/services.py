"""Writing the audit log."""

from contextlib import nullcontext
from typing import Any

from django.db import models

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope


def audit_record(
    *, actor: str, action: str, target: models.Model, tenant: models.Model | None, **details: Any
) -> None:
    """Note that ``actor`` did ``action`` ("task.create") to ``target``, in the transaction that does it.

    ``details`` holds ids, names and states; never a tenant's text, never a secret.
    """
    entry = AuditEntry(
        tenant_id=tenant.pk if tenant is not None else None,
        actor=actor,
        action=action,
        target_type=target._meta.db_table,
        target_id=str(target.pk),
        details=details,
    )
    # What concerns no tenant is for the operator alone to see, and the insert reads the new row's id back.
    with operator_scope() if tenant is None else nullcontext():
        entry.save(force_insert=True)
