"""Deployments: which version of a task serves now and which did before, holds, alarms, and trials."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.common.models import TenantOwned
from wire.catalog import TrialKind as WireTrialKind


class DeploymentState(models.TextChoices):
    """ACTIVE -> SUPERSEDED."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"


class Deployment(TenantOwned):
    """A version that was allowed to serve; one a task is active. Rolling back deploys an older one."""

    task = models.ForeignKey("catalog.Task", on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey("catalog.AdapterVersion", on_delete=models.CASCADE, related_name="+")
    # What it looks up in, once the version's own tree has been followed by one that the gate accepted.
    tree_version = models.ForeignKey(
        "catalog.TreeVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    state = models.CharField(max_length=16, choices=DeploymentState, default=DeploymentState.ACTIVE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "deployment"
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state="active"), name="deployment_one_active"
            )
        ]
        indexes = [models.Index(fields=["task", "-created_at"], name="deployment_task")]


class HoldReason(models.TextChoices):
    """Why a deployment is held."""

    LOSES = "loses"  # its held-out rows are answered worse on the newer tree
    UNTRIED = "untried"  # its tenant has not agreed that they are used, or there are none
    BROUGHT_BACK = "brought_back"  # the tree before the newest was asked for


class HeldTask(TenantOwned):
    """A deployment that stays on an older tree of its domain until its time is over."""

    deployment = models.OneToOneField(Deployment, on_delete=models.CASCADE, related_name="+")
    tree = models.ForeignKey("catalog.TreeVersion", on_delete=models.CASCADE, related_name="+")  # to move to
    until = models.DateTimeField()  # from the first hold: later updates do not put it off
    reason = models.CharField(max_length=16, choices=HoldReason)
    verdict = models.JSONField()  # wire.domains.TaskVerdict; none: {}

    class Meta:
        db_table = "held_task"


class DriftPart(models.TextChoices):
    """What has drifted; see serving.drift."""

    COVERAGE = "coverage"
    SCORES = "scores"
    LABELS = "labels"


class DriftAlarm(TenantOwned):
    """What a version that serves gets to see has shifted; one of each part stands at a time."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=16, choices=DriftPart)
    figures = models.JSONField()  # as they were when it began, and as webhooks were told
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "drift_alarm"
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "part"], condition=Q(ended_at=None), name="drift_alarm_one_standing"
            )
        ]


class TrialKind(models.TextChoices):
    """See wire.catalog.TrialKind."""

    SHADOW = WireTrialKind.SHADOW.value
    CANARY = WireTrialKind.CANARY.value


class TrialState(models.TextChoices):
    """RUNNING -> PROMOTED | ROLLED_BACK | ENDED."""

    RUNNING = "running"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ENDED = "ended"  # what it was tried against serves no more


class Trial(TenantOwned):
    """A second version of a task beside the one that serves; one a task is running."""

    task = models.ForeignKey("catalog.Task", on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey("catalog.AdapterVersion", on_delete=models.CASCADE, related_name="+")
    against = models.ForeignKey("catalog.AdapterVersion", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=16, choices=TrialKind)
    share = models.FloatField()  # of the requests, chosen by their ids
    is_automatic = models.BooleanField()  # the verdict is carried out as soon as it is there
    min_texts = models.PositiveIntegerField()  # compared, before there is a verdict
    min_agreement = models.FloatField()  # share of the texts that get the same label from both
    state = models.CharField(max_length=16, choices=TrialState, default=TrialState.RUNNING)
    reason = models.CharField(max_length=300, blank=True, default="")  # why it ended
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "trial"
        constraints = [
            models.UniqueConstraint(fields=["task"], condition=Q(state="running"), name="trial_one_running"),
            models.CheckConstraint(condition=Q(share__gt=0, share__lte=1), name="trial_share"),
            models.CheckConstraint(
                condition=Q(min_agreement__gte=0, min_agreement__lte=1), name="trial_min_agreement"
            ),
        ]
        indexes = [models.Index(fields=["task", "-created_at"], name="trial_task")]
