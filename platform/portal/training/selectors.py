"""Reading training jobs and their curves."""

from uuid import UUID

from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When

from portal.catalog.models import AdapterVersion, Task, TreeVersion
from portal.common.errors import NotFound
from portal.tenants.models import Tenant
from portal.training.models import UNFINISHED, AdapterImport, TrainingEstimate, TrainingEvent, TrainingJob
from portal.training.try_again import CAN_BE_TRIED_AGAIN
from wire.ids import BundleUri, Digest


def training_list(*, tenant: Tenant) -> QuerySet[TrainingJob]:
    """The tenant's jobs, newest first, tasks loaded; ``version_number`` is what came out, or None,
    ``stopped_at`` the limit of time that its report names, and ``can_retry``: see training.try_again."""
    versions = AdapterVersion.objects.for_tenant(tenant).filter(training_job_id=OuterRef("pk"))
    return (
        TrainingJob.objects.for_tenant(tenant)
        .select_related("task")
        .annotate(
            version_number=Subquery(versions.values("number")[:1]),
            stopped_at=Subquery(versions.values("report__stopped_at")[:1]),
            can_retry=Case(When(CAN_BE_TRIED_AGAIN, then=True), default=False),
        )
        .order_by("-created_at", "id")
    )


def training_list_of_task(*, tenant: Tenant, task: Task) -> QuerySet[TrainingJob]:
    """The task's jobs, as training_list."""
    return training_list(tenant=tenant).filter(task=task)


def training_get(*, tenant: Tenant, training_id: UUID) -> TrainingJob:
    """One job, as training_list; NotFound when it is not the tenant's."""
    found = training_list(tenant=tenant).filter(pk=training_id).first()
    if found is None:
        raise NotFound("training")
    return found


def estimate_get(*, tenant: Tenant, estimate_id: UUID) -> TrainingEstimate:
    """One estimate, its task loaded; NotFound when it is not the tenant's."""
    estimates = TrainingEstimate.objects.for_tenant(tenant).select_related("task")
    found = estimates.filter(pk=estimate_id).first()
    if found is None:
        raise NotFound("estimate")
    return found


def import_list(*, tenant: Tenant) -> QuerySet[AdapterImport]:
    """The tenant's imports, newest first, tasks loaded; ``version_number`` is what came out, or None."""
    versions = AdapterVersion.objects.for_tenant(tenant).filter(import_id=OuterRef("pk"))
    return (
        AdapterImport.objects.for_tenant(tenant)
        .select_related("task")
        .annotate(version_number=Subquery(versions.values("number")[:1]))
        .order_by("-created_at", "id")
    )


def import_get(*, tenant: Tenant, import_id: UUID) -> AdapterImport:
    """One import, as import_list; NotFound when it is not the tenant's."""
    found = import_list(tenant=tenant).filter(pk=import_id).first()
    if found is None:
        raise NotFound("import")
    return found


def trees_in_use() -> set[UUID]:
    """Trees that jobs read, or will when they go on. Needs the operator's scope."""
    unfinished = Q(state__in=UNFINISHED)
    readers = (
        TrainingJob.objects.unscoped().filter(unfinished | CAN_BE_TRIED_AGAIN),
        TrainingEstimate.objects.unscoped().filter(unfinished),
        AdapterImport.objects.unscoped().filter(unfinished),
    )
    return {
        pk for jobs in readers for pk in jobs.filter(tree__isnull=False).values_list("tree_id", flat=True)
    }


def tree_read(*, uri: BundleUri, digest: Digest) -> TreeVersion | None:
    """The tree that a job reads, None when it is gone or must be forgotten: the job begins anew. One that was
    only replaced stands as long as the job, see trees_in_use. Needs the scope of the job."""
    trees = TreeVersion.objects.unscoped().filter(digest=digest, uri=uri)
    return trees.filter(condemned_at=None, destroyed_at=None).first()


def training_events(*, job: TrainingJob) -> QuerySet[TrainingEvent]:
    """The job's curve, in order."""
    return TrainingEvent.objects.for_tenant(job.tenant).filter(job=job).order_by("seq")
