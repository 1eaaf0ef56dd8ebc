"""Deployments: which version of a task serves now, and which did before."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from portal.common.models import TenantOwned


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
