"""Jobs of domains, who agreed to what, whom the operator has verified, and the ledger of deletions."""

from typing import Any
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.common.models import TenantManager, TenantOwned
from portal.common.queue import JobName
from portal.training.models import LeasedJob


def _empty_list() -> list[Any]:
    return []


class DomainJobKind(models.TextChoices):
    """What a job does."""

    UPDATE = (
        "update"  # the domain's node anew, from all segments that it may have now; so forgetting is one too
    )
    SUGGEST = "suggest"  # which domain a dataset's text is like


class DomainJob(LeasedJob):
    """One job of a domain, or of a dataset that asks for a domain. Of no tenant: a shared domain's."""

    kind = "domain_job"
    job_name = JobName.DOMAIN_RUN

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    does = models.CharField(max_length=16, choices=DomainJobKind)
    domain = models.ForeignKey("catalog.Domain", null=True, on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", null=True, on_delete=models.CASCADE, related_name="+")
    out_uri = models.CharField(max_length=300, blank=True, default="")  # where its process publishes
    tree = models.ForeignKey("catalog.TreeVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    result = models.JSONField(null=True)  # wire.domains.DomainResult or SuggestResult
    # Of an update that makes no new tree, but lets tasks go back to this one for a while.
    brings_back = models.ForeignKey(
        "catalog.TreeVersion", null=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        db_table = "domain_job"
        constraints = [
            models.UniqueConstraint(
                fields=["domain"],
                condition=Q(state__in=["queued", "running"], does="update"),
                name="domain_job_one_update",
            ),
            models.UniqueConstraint(fields=["dataset"], name="domain_job_one_suggestion"),
        ]
        indexes = [models.Index(fields=["domain", "-created_at"], name="domain_job_domain")]


class Contribution(TenantOwned):
    """A tenant's consent that a dataset's n-grams enter a shared domain; ended, they are forgotten there."""

    domain = models.ForeignKey("catalog.Domain", on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="+")
    granted_by = models.CharField(max_length=300)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=300, blank=True, default="")
    private_share = models.FloatField(
        null=True
    )  # of the tenant's n-grams that stayed out, at the last update

    class Meta:
        db_table = "contribution"
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "dataset"], condition=Q(revoked_at=None), name="contribution_once"
            )
        ]


class GateConsent(TenantOwned):
    """A tenant's consent that a task's held-out rows are used to try new trees on."""

    task = models.OneToOneField("catalog.Task", on_delete=models.CASCADE, related_name="+")
    granted_by = models.CharField(max_length=300)

    class Meta:
        db_table = "gate_consent"


class TenantVerification(TenantOwned):
    """The operator knows this tenant: it counts for the k-tenant rule."""

    verified_by = models.CharField(max_length=300)

    class Meta:
        db_table = "tenant_verification"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="tenant_verified_once")]


class OperatorSegment(models.Model):
    """The operator's own text of a shared domain, as a segment in the store."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    domain = models.ForeignKey("catalog.Domain", on_delete=models.CASCADE, related_name="+")
    uri = models.CharField(max_length=300)
    digest = models.CharField(max_length=71)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "operator_segment"
        constraints = [models.UniqueConstraint(fields=["domain", "digest"], name="operator_segment_once")]


class DeletionSubject(models.TextChoices):
    """What was deleted."""

    DATASET = "dataset"
    TENANT = "tenant"
    CONTRIBUTION = "contribution"
    GATE_CONSENT = "gate_consent"


WITH_RECEIPT = (DeletionSubject.DATASET, DeletionSubject.TENANT, DeletionSubject.CONTRIBUTION)
"""What has brought text somewhere. Of an ended gate consent nothing is to be forgotten: its line is there for
a restore."""


class DeletionRecord(models.Model):
    """One line of the deletion ledger, and the receipt when it is done. No foreign keys: it outlives them.

    Written in the transaction that deletes, for datasets by a trigger of the database.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant_id = models.UUIDField()
    subject = models.CharField(max_length=16, choices=DeletionSubject)
    subject_id = models.UUIDField()
    domain_id = models.UUIDField(null=True)  # of a contribution: the domain that it was for
    segments = models.JSONField(default=_empty_list)  # [{"dataset", "uri", "digest"}] that went
    versions = models.JSONField(
        default=_empty_list
    )  # [{"task", "number", "digest"}] trained on it, which stay
    trees = models.JSONField(default=_empty_list)  # [{"uri", "digest", "replaced_by"}] destroyed
    deleted_at = models.DateTimeField(default=timezone.now)
    forgotten_at = models.DateTimeField(null=True)

    objects = TenantManager()

    class Meta:
        db_table = "deletion_record"
        indexes = [
            models.Index(fields=["tenant_id", "-deleted_at"], name="deletion_record_tenant"),
            models.Index(
                fields=["deleted_at"], condition=Q(forgotten_at=None), name="deletion_record_pending"
            ),
        ]
