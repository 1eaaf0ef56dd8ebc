"""Alarms of drift: begun and ended by what was counted of the versions that serve, and told to webhooks."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from portal.catalog.models import AdapterVersion
from portal.common.scope import operator_scope, tenant_scope
from portal.serving.drift import MIN_TEXTS, Drift, LiveCounts, drift_of
from portal.serving.models import Deployment, DeploymentState, DriftAlarm, DriftPart
from portal.serving.selectors import alarm_list
from portal.usage.selectors import versions_counted
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit

DAYS = 7
"""That are looked at."""
LEAST_LASTING = timedelta(days=1)
"""Of an alarm: what goes up and down round its threshold does not alarm each time."""
MAX_SHIFTS = 5
REPORT_PARTS = ("coverage", "calibration", "values", "confusion", "classes")
"""What drift_of reads of a report: whole ones of all that serve would be much."""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A deployment that has drifted, or had when it was last looked at."""

    deployment_id: UUID
    tenant_id: UUID
    drift: Drift | None  # None: nothing alarms


def drift_watch(*, now: datetime) -> None:
    """Begin and end alarms as the counts of the last days say. May run twice at once."""
    with operator_scope():
        drifted = {watched.deployment_id: watched for watched in _drifted(first_day(now, DAYS))}
        alarmed = (
            DriftAlarm.objects.unscoped().filter(ended_at=None).values_list("deployment_id", "tenant_id")
        )
        others = [_Watched(*ids, None) for ids in alarmed.distinct() if ids[0] not in drifted]
    for watched in (*drifted.values(), *others):
        with tenant_scope(watched.tenant_id):
            _settle(watched, now)


def first_day(now: datetime, days: int) -> date:
    """The first of the last ``days`` days (UTC), today included."""
    return now.astimezone(UTC).date() - timedelta(days=days - 1)


def _drifted(first: date) -> Iterator[_Watched]:
    counted = versions_counted(first=first, min_texts=MIN_TEXTS)
    reported = [f"version__report__{part}" for part in REPORT_PARTS]
    serving = (
        Deployment.objects.unscoped()
        .filter(state=DeploymentState.ACTIVE, version_id__in=counted)
        .values("pk", "tenant_id", "version_id", *reported)
    )
    for row in serving.iterator(chunk_size=200):
        report = {part: row[name] for part, name in zip(REPORT_PARTS, reported, strict=True)}
        drift = drift_of(report, LiveCounts(**counted[row["version_id"]]))
        if drift.is_alarm:
            yield _Watched(row["pk"], row["tenant_id"], drift)


@transaction.atomic
def _settle(watched: _Watched, now: datetime) -> None:
    deployment = (
        Deployment.objects.unscoped()
        .select_related("task", "version", "tenant")
        .select_for_update(of=("self",))
        .filter(pk=watched.deployment_id)
        .first()
    )
    if deployment is None:
        return
    is_active = deployment.state == DeploymentState.ACTIVE
    found = _figures(watched.drift, deployment.version) if is_active and watched.drift is not None else {}
    standing = {alarm.part: alarm for alarm in alarm_list(tenant=deployment.tenant, deployments=[deployment])}
    for part, figures in found.items():
        if part not in standing:
            assert watched.drift is not None, "it has figures"
            _begin(deployment, part, {"days": DAYS, "num_texts": watched.drift.num_texts, **figures}, now)
    for alarm in standing.values():
        if alarm.part not in found and (not is_active or now - alarm.created_at >= LEAST_LASTING):
            alarm.ended_at = now
            alarm.save(update_fields=["ended_at"])


def _begin(deployment: Deployment, part: DriftPart, figures: Mapping[str, Any], now: datetime) -> None:
    alarm = DriftAlarm(
        tenant=deployment.tenant, deployment=deployment, part=part, figures=figures, created_at=now
    )
    alarm.save(force_insert=True)
    event_emit(
        tenant=deployment.tenant,
        type=EventType.DRIFT_DETECTED,
        subject=deployment.task_id,
        data={
            "task": deployment.task.slug,
            "version": deployment.version.number,
            "part": part.value,
            **figures,
        },
    )


def _figures(drift: Drift, version: AdapterVersion) -> dict[DriftPart, dict[str, Any]]:
    """The numbers of what alarms."""
    found: dict[DriftPart, dict[str, Any]] = {}
    if drift.coverage is not None and drift.coverage.is_alarm:
        found[DriftPart.COVERAGE] = _told(asdict(drift.coverage))
    if drift.scores is not None and drift.scores.is_alarm:
        told = _told(asdict(drift.scores))
        found[DriftPart.SCORES] = told if drift.scores.bounds else _without(told, "bounds")
    if drift.labels is not None and drift.labels.is_alarm:
        shares = zip(version.labels, drift.labels.training, drift.labels.live, strict=False)
        shifts = [{"label": label, "training": before, "live": live} for label, before, live in shares]
        shifts.sort(key=lambda shift: -abs(shift["live"] - shift["training"]))
        told = _told(asdict(drift.labels)) | {"shifts": shifts[:MAX_SHIFTS]}
        found[DriftPart.LABELS] = {name: told[name] for name in ("stability_index", "threshold", "shifts")}
    return found


def _told(part: dict[str, Any]) -> dict[str, Any]:
    return _without(part, "is_alarm")


def _without(part: dict[str, Any], left_out: str) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != left_out}
