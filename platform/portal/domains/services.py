"""What tenants agree to, what the operator verifies, asking for updates, and deleting a tenant whole."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from portal.audit.services import audit_record
from portal.catalog.models import GENERAL_DOMAIN, AdapterVersion, Domain, Segment, Task, TreeVersion
from portal.catalog.services import task_lock
from portal.common.errors import AlreadyExists, Conflict, InvalidField, NotFound
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.refusals import unless_taken
from portal.common.scope import operator_scope
from portal.datasets.models import Dataset
from portal.domains.models import (
    Contribution,
    DeletionRecord,
    DeletionSubject,
    DomainJob,
    DomainJobKind,
    GateConsent,
    OperatorSegment,
    TenantVerification,
)
from portal.domains.selectors import has_gate_consent, tree_before_newest
from portal.tenants.actors import Actor
from portal.tenants.models import Tenant
from wire.training import PublishedBundle


@transaction.atomic
def contribution_grant(*, domain: Domain, dataset: Dataset, acting: Actor) -> Contribution:
    """Let the n-grams of ``dataset`` enter the shared ``domain`` at its next update; the k rule holds.

    Raises AlreadyExists, and Conflict while what an earlier consent brought is being forgotten: a receipt
    says that nothing of it is left.
    """
    contribution = Contribution(tenant=dataset.tenant, domain=domain, dataset=dataset, granted_by=acting.name)
    with unless_taken(AlreadyExists("dataset", f"This dataset contributes to {domain.slug} already.")):
        contribution.save(force_insert=True)
    # Asked behind the new row: an end of the old consent that was under way has been waited for there.
    forgetting = DeletionRecord.objects.for_tenant(dataset.tenant).filter(
        domain_id=domain.pk, segments__contains=[{"dataset": str(dataset.pk)}], forgotten_at=None
    )
    if forgetting.exists():
        raise Conflict(
            f"What this dataset brought to {domain.slug} is being forgotten: contribute it again when the"
            " receipt says that it is."
        )
    audit_record(
        actor=acting.name,
        action="contribution.grant",
        target=contribution,
        tenant=dataset.tenant,
        domain=domain.slug,
        dataset_id=str(dataset.pk),
    )
    return contribution


@transaction.atomic
def contribution_revoke(*, tenant: Tenant, contribution_id: UUID, acting: Actor) -> DeletionRecord:
    """End a consent; what the dataset brought to the shared domain is forgotten. Gives the receipt."""
    given = Contribution.objects.for_tenant(tenant).filter(pk=contribution_id, revoked_at=None)
    # Its dataset first, as an update does that registers a tree by this consent: so this comes before, and is
    # seen there, or after, and finds the tree.
    Dataset.objects.for_tenant(tenant).select_for_update().filter(pk__in=given.values("dataset")).first()
    contribution = given.select_for_update(of=("self",)).select_related("dataset").first()
    if contribution is None:
        raise NotFound("contribution")
    contribution.revoked_at, contribution.revoked_by = timezone.now(), acting.name
    contribution.save(update_fields=["revoked_at", "revoked_by"])
    record = DeletionRecord(
        tenant_id=tenant.pk,
        subject=DeletionSubject.CONTRIBUTION,
        subject_id=contribution.pk,
        domain_id=contribution.domain_id,
        segments=_segments(tenant, dataset=contribution.dataset),
    )
    record.save(force_insert=True)
    audit_record(
        actor=acting.name,
        action="contribution.revoke",
        target=contribution,
        tenant=tenant,
        dataset_id=str(contribution.dataset_id),
    )
    return record


@transaction.atomic
def gate_consent_set(*, task: Task, is_given: bool, acting: Actor) -> None:
    """Let held-out rows of ``task`` be used to try new trees on, or no longer."""
    task = task_lock(task)  # of two at once the second finds it done
    if is_given == has_gate_consent(task=task):
        return
    if is_given:
        GateConsent(tenant=task.tenant, task=task, granted_by=acting.name).save(force_insert=True)
    else:
        consent = GateConsent.objects.for_tenant(task.tenant).get(task=task)
        now = timezone.now()
        DeletionRecord(
            tenant_id=task.tenant_id,
            subject=DeletionSubject.GATE_CONSENT,
            subject_id=consent.pk,
            deleted_at=now,
            forgotten_at=now,
        ).save(force_insert=True)
        consent.delete()
    audit_record(
        actor=acting.name,
        action="gate_consent.grant" if is_given else "gate_consent.revoke",
        target=task,
        tenant=task.tenant,
    )


@transaction.atomic
def tenant_verify(*, tenant: Tenant, acting: Actor) -> None:
    """From now on the tenant counts for the k-tenant rule. Needs the operator's scope."""
    _, is_new = TenantVerification.objects.unscoped().get_or_create(
        tenant=tenant, defaults={"verified_by": acting.name}
    )
    if is_new:
        audit_record(actor=acting.name, action="tenant.verify", target=tenant, tenant=tenant)


@transaction.atomic
def domain_text_add(*, domain: Domain, segment: PublishedBundle, acting: Actor) -> bool:
    """The operator's own text becomes part of a shared domain with its next update; no consent is needed, and
    the rule of tenants does not hold it back. False when the domain has it. In the operator's scope."""
    _, is_new = OperatorSegment.objects.get_or_create(
        domain=domain,
        digest=segment.digest,
        # By the database's clock, as the start of the update that may lack it.
        defaults={"uri": segment.uri, "created_at": Now()},
    )
    if is_new:
        audit_record(
            actor=acting.name, action="domain.text_add", target=domain, tenant=None, digest=segment.digest
        )
    return is_new


def domain_bring_back_request(*, domain: Domain, acting: Actor) -> DomainJob:
    """Queue an update that lets the domain's tasks go back to the tree before the newest, for a while.

    A shared domain's is the operator's to ask for; tasks of domains below it stay where they are. Raises
    Conflict while an update is queued or running, or when no such tree stands.
    """
    if domain.tenant_id is None and domain.slug == GENERAL_DOMAIN:
        raise InvalidField("domain", "The root has no update to go back from: register the tree it had.")
    return domain_update_request(domain=domain, acting=acting, brings_back=tree_before_newest(domain))


@transaction.atomic
def domain_update_request(
    *, domain: Domain, acting: Actor, brings_back: TreeVersion | None = None
) -> DomainJob:
    """Queue an update of the domain. Raises Conflict while one is queued or running."""
    job = DomainJob(
        tenant_id=domain.tenant_id, domain=domain, does=DomainJobKind.UPDATE, brings_back=brings_back
    )
    with unless_taken(Conflict("An update of this domain is queued or running already.")):
        job.save(force_insert=True)
    audit_record(
        actor=acting.name,
        action="domain_job.create",
        target=job,
        tenant=domain.tenant,
        domain=domain.slug,
        brings_back=brings_back.digest if brings_back is not None else None,
    )
    enqueue_on_commit(JobName.DOMAIN_RUN, id=str(job.pk))
    return job


def tenant_forget(*, tenant: Tenant, confirm: str, acting: Actor) -> DeletionRecord:
    """Delete the tenant with all it has; bundles, and what it taught shared domains, go within minutes."""
    if confirm != tenant.slug:
        raise InvalidField("confirm", "Type the tenant's slug to confirm that all of it is to be deleted.")
    with operator_scope():
        record = DeletionRecord(
            tenant_id=tenant.pk,
            subject=DeletionSubject.TENANT,
            subject_id=tenant.pk,
            deleted_at=Now(),  # the grace after it is by the database's clock
            segments=_segments(tenant),
            versions=[
                {"task": version.task.slug, "number": version.number, "digest": version.bundle_digest}
                for version in AdapterVersion.objects.for_tenant(tenant).select_related("task")
            ],
        )
        record.save(force_insert=True)
        record.refresh_from_db(fields=["deleted_at"])
        audit_record(
            actor=acting.name, action="tenant.delete", target=tenant, tenant=tenant, slug=tenant.slug
        )
        Tenant.objects.filter(pk=tenant.pk).delete()
    return record


def _segments(tenant: Tenant, *, dataset: Dataset | None = None) -> list[dict[str, str]]:
    """Of one dataset, or of all the tenant's datasets, each once."""
    rows = Segment.objects.for_tenant(tenant)
    if dataset is not None:
        rows = rows.filter(dataset=dataset)
    once = rows.order_by("dataset_id", "created_at").distinct("dataset_id")
    return [{"dataset": str(row.dataset_id), "uri": row.uri, "digest": row.digest} for row in once]
