"""What a tenant can do against drift: calls of the REST API that are there anyway, ready to be made."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.serving.drift import Drift
from portal.serving.models import Deployment


class ActionName(StrEnum):
    """REFRESH_DOMAIN makes the domain's PLOT anew from all its datasets, RETRAIN the adapter."""

    REFRESH_DOMAIN = "refresh_domain"
    RETRAIN = "retrain"


@dataclass(frozen=True, slots=True)
class DriftAction:
    """One call, and whether it is likely to help."""

    name: ActionName
    path: str  # to be POSTed to
    body: dict[str, Any] | None
    is_suggested: bool
    obstacle: str | None  # why it cannot be done as it stands


def actions_of(deployment: Deployment, drift: Drift) -> list[DriftAction]:
    """Both, for what has drifted: n-grams that PLOT does not know, or texts that are answered otherwise."""
    tenant, task, version = deployment.tenant, deployment.task, deployment.version
    root = f"/api/v1/tenants/{tenant.slug}"
    is_own = task.domain.tenant_id is not None
    has_lost_coverage = drift.coverage is not None and drift.coverage.is_alarm
    is_answered_otherwise = any(part is not None and part.is_alarm for part in (drift.scores, drift.labels))
    return [
        DriftAction(
            ActionName.REFRESH_DOMAIN,
            path=f"{root}/domains/{task.domain.slug}/updates",
            body=None,
            is_suggested=has_lost_coverage and is_own,
            obstacle=None if is_own else f"{task.domain.slug} is shared: the operator updates it.",
        ),
        DriftAction(
            ActionName.RETRAIN,
            path=f"{root}/tasks/{task.slug}/trainings",
            body={"dataset": str(version.dataset_id)} if version.dataset_id is not None else None,
            is_suggested=is_answered_otherwise or (has_lost_coverage and not is_own),
            obstacle=None
            if version.dataset_id is not None
            else "The version's dataset has been deleted: name another.",
        ),
    ]
