"""Reading the audit log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import QuerySet

from portal.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries; what is None or empty does not count."""

    action: str = ""  # "key.create", or "key" for all that begin so
    actor: str = ""  # as written ("user:ada@example.com"), or a part of it without the colon ("ada")
    target_id: str = ""
    since: datetime | None = None
    until: datetime | None = None  # exclusive


def audit_list(*, tenant: models.Model, chosen: AuditFilter) -> QuerySet[AuditEntry]:
    """The tenant's entries, newest first."""
    conditions: dict[str, Any] = {
        "action__startswith": chosen.action,
        "actor" if ":" in chosen.actor else "actor__icontains": chosen.actor,
        "target_id": chosen.target_id,
        "at__gte": chosen.since,
        "at__lt": chosen.until,
    }
    wanted = {name: value for name, value in conditions.items() if value}
    return AuditEntry.objects.for_tenant(tenant).filter(**wanted).order_by("-id")
