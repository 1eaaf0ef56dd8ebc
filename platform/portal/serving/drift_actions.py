"""What a tenant can do against drift: calls of the REST API that are there anyway, ready to be made."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from portal.catalog.models import Task, TreeVersion
from portal.catalog.selectors import segment_list
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
    refresh_obstacle = _refresh_obstacle(task)
    is_refreshable = refresh_obstacle is None
    has_lost_coverage = drift.coverage is not None and drift.coverage.is_alarm
    is_answered_otherwise = any(part is not None and part.is_alarm for part in (drift.scores, drift.labels))
    return [
        DriftAction(
            ActionName.REFRESH_DOMAIN,
            path=f"{root}/domains/{task.domain.slug}/updates",
            body=None,
            is_suggested=has_lost_coverage and is_refreshable,
            obstacle=refresh_obstacle,
        ),
        DriftAction(
            ActionName.RETRAIN,
            path=f"{root}/tasks/{task.slug}/trainings",
            body={"dataset": str(version.dataset_id)} if version.dataset_id is not None else None,
            is_suggested=is_answered_otherwise or (has_lost_coverage and not is_refreshable),
            obstacle=None
            if version.dataset_id is not None
            else "The version's dataset has been deleted: name another.",
        ),
    ]


def _refresh_obstacle(task: Task) -> str | None:
    """Why a refresh of the task's domain cannot help; None where it may."""
    domain = task.domain
    if domain.tenant_id is None:
        return f"{domain.slug} is shared: the operator updates it."
    segments = segment_list(tenant=task.tenant, domain=domain).filter(dataset__deleted_at=None)
    trees = TreeVersion.objects.for_tenant(task.tenant).filter(domain=domain, retired_at=None)
    newest = trees.order_by("-created_at").first()
    held = {one["dataset"] for one in newest.segments} if newest is not None else set()
    if any(str(dataset) not in held for dataset in segments.values_list("dataset_id", flat=True)):
        return None
    return (
        f"PLOT has learnt all the text that {domain.name} has: train on newer texts, and it learns those too."
    )
