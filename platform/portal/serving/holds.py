"""Deployments that stay on an older tree of their domain for a while, and those that move to a newer one."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from django.utils import timezone

from portal.audit.services import audit_record
from portal.catalog.models import TreeVersion
from portal.serving.models import Deployment, HeldTask, HoldReason
from portal.serving.selectors import hold_figures, served_tree
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit
from wire.codec import to_plain
from wire.domains import TaskVerdict

GRACE = timedelta(days=7)
"""How long a deployment is held, from the first hold on."""


class MoveReason(StrEnum):
    """Why a deployment moves to a newer tree."""

    ACCEPTED = "accepted"  # the gate finds that it does not lose
    TIME_OVER = "time_over"  # of its hold
    NO_ROOM = "no_room"  # another older tree is kept
    TEXT_DELETED = "text_deleted"  # the tree that it served on holds what must be forgotten


def deployment_hold(
    *, deployment: Deployment, tree: TreeVersion, reason: HoldReason, verdict: TaskVerdict | None, actor: str
) -> None:
    """Leave ``deployment`` on the tree that it serves on, until GRACE has gone by since it was first held.

    ``tree`` is the newest; ``deployment`` has its task, tenant, version and trees loaded.
    """
    held = HeldTask.objects.unscoped().filter(deployment=deployment).first()
    is_first = held is None
    if held is None:
        held = HeldTask(tenant=deployment.tenant, deployment=deployment, until=timezone.now() + GRACE)
    held.tree, held.reason = tree, reason
    held.verdict = _plain(verdict)
    held.save()
    audit_record(
        actor=actor,
        action="deployment.hold",
        target=deployment,
        tenant=deployment.tenant,
        tree=tree.digest,
        reason=reason.value,
        until=held.until.isoformat(),
    )
    if is_first:  # webhooks are told once; the task's page has the figures of the last update
        told = {"reason": reason.value, "until": held.until.isoformat(), **_told(deployment, tree, held)}
        _tell(EventType.DEPLOYMENT_HELD, deployment, told)


def deployment_move(
    *, deployment: Deployment, tree: TreeVersion, reason: MoveReason, verdict: TaskVerdict | None, actor: str
) -> None:
    """Let ``deployment`` serve on ``tree`` from now on. Webhooks hear of it unless the gate alone decided."""
    held = HeldTask.objects.unscoped().filter(deployment=deployment).first()
    if held is not None or reason is not MoveReason.ACCEPTED:
        left = held or HeldTask(reason=HoldReason.LOSES, verdict={})
        if verdict is not None:
            left.reason, left.verdict = HoldReason.LOSES, _plain(verdict)
        told = {"reason": reason.value, **_told(deployment, tree, left)}
        _tell(EventType.DEPLOYMENT_MOVED, deployment, told)
    HeldTask.objects.unscoped().filter(deployment=deployment).delete()
    Deployment.objects.unscoped().filter(pk=deployment.pk).update(tree_version=tree)
    audit_record(
        actor=actor,
        action="deployment.follow",
        target=deployment,
        tenant=deployment.tenant,
        tree=tree.digest,
        reason=reason.value,
    )


def _plain(verdict: TaskVerdict | None) -> dict[str, Any]:
    return {} if verdict is None else dict(to_plain(verdict))


def _told(deployment: Deployment, tree: TreeVersion, held: HeldTask) -> dict[str, Any]:
    """Which trees, and how the held-out rows are answered on each."""
    figures = hold_figures(held)
    return {
        "old_tree": served_tree(deployment).digest,
        "new_tree": tree.digest,
        "metric": figures.metric,
        "accuracy_old": figures.accuracy_old,
        "accuracy_new": figures.accuracy_new,
        "num_rows": figures.num_rows,
    }


def _tell(type: EventType, deployment: Deployment, told: dict[str, Any]) -> None:
    named = {"task": deployment.task.slug, "version": deployment.version.number}
    event_emit(tenant=deployment.tenant, type=type, subject=deployment.task_id, data=named | told)
