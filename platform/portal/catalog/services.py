"""Making domains, tasks and versions, and registering what the operator prepared."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from portal.audit.services import audit_record
from portal.catalog.models import (
    GENERAL_DOMAIN,
    AdapterVersion,
    Backbone,
    Domain,
    PrivateLeaf,
    Segment,
    Task,
    TreeVersion,
    VersionState,
)
from portal.catalog.selectors import moment_after, tree_newest
from portal.common.errors import AlreadyExists, Conflict, InvalidField
from portal.common.locks import count_lock, row_lock
from portal.common.refusals import unless_taken
from portal.common.slugs import slug_from
from portal.datasets.models import Dataset
from portal.tenants.actors import OPERATOR, Actor, actor_of_job
from portal.tenants.models import Tenant
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit
from wire.domains import K_TENANTS, LEAST_TENANTS, MOST_TENANTS
from wire.imports import ImportResult
from wire.tasks import TaskKind
from wire.training import PublishedBundle, TrainResult

MAX_TASKS = 500
"""Of a tenant: the inference service knows all tasks of all tenants by heart, as it does keys."""


@transaction.atomic
def domain_create(
    *, tenant: Tenant, name: str, slug: str | None, acting: Actor, parent_slug: str | None = None
) -> Domain:
    """A domain of the tenant's own; ``parent_slug`` names the shared domain to put it under."""
    own = Domain.objects.visible_to(tenant)
    domain = Domain(
        tenant=tenant,
        name=name,
        slug=slug or slug_from(name, is_taken=lambda s: own.filter(slug=s).exists()),
        parent=None if parent_slug is None else _shared_domain(parent_slug),
    )
    if own.filter(slug=domain.slug, tenant=None).exists():
        raise AlreadyExists("slug", f"{domain.slug} is a shared domain: choose another slug.")
    _save_unless_taken(domain, domain.slug)
    audit_record(actor=acting.name, action="domain.create", target=domain, tenant=tenant, slug=domain.slug)
    return domain


@transaction.atomic
def shared_domain_create(
    *, name: str, slug: str, parent_slug: str | None, acting: Actor, min_tenants: int = K_TENANTS
) -> Domain:
    """A domain of no tenant, for what tenants contribute; ``parent_slug`` names the shared domain above it.

    Runs in the operator's scope. A slug that a tenant's domain has would hide the new one from that tenant.
    """
    if Domain.objects.unscoped().filter(slug=slug).exists():
        raise AlreadyExists("slug", f"There is a domain {slug} already: choose another slug.")
    parent = None if parent_slug is None else _shared_domain(parent_slug)
    domain = Domain(
        tenant=None, name=name, slug=slug, parent=parent, min_tenants=_checked_min_tenants(min_tenants)
    )
    _save_unless_taken(domain, slug)
    audit_record(
        actor=acting.name,
        action="domain.create",
        target=domain,
        tenant=None,
        slug=slug,
        parent=parent_slug,
        min_tenants=min_tenants,
    )
    return domain


@transaction.atomic
def shared_domain_change(*, domain: Domain, name: str, min_tenants: int, acting: Actor) -> Domain:
    """Another name, and another number of tenants that an n-gram must be of, from the next update on."""
    audit_record(
        actor=acting.name,
        action="domain.change",
        target=domain,
        tenant=None,
        old=[domain.name, domain.min_tenants],
        new=[name, min_tenants],
    )
    domain.name, domain.min_tenants = name, _checked_min_tenants(min_tenants)
    domain.save(update_fields=["name", "min_tenants"])
    return domain


@transaction.atomic
def task_create(
    *,
    tenant: Tenant,
    name: str,
    slug: str | None,
    domain_slug: str | None,
    acting: Actor,
    kind: TaskKind = TaskKind.SINGLE_LABEL,
) -> Task:
    """A task; unless a domain is named, it gets one of its own. In a shared domain it teaches nothing: its
    texts are looked up in what the domain knows. Its kind stays."""
    own = Task.objects.for_tenant(tenant)
    count_lock(tenant, "tasks")
    if own.count() >= MAX_TASKS:
        raise Conflict(f"There are {MAX_TASKS} tasks, as many as a tenant may have: delete one first.")
    slug = slug or slug_from(name, is_taken=lambda s: own.filter(slug=s).exists())
    if own.filter(slug=slug).exists():
        raise AlreadyExists("slug", f"There is a task {slug} already: choose another slug.")
    if domain_slug is None:
        domain = domain_create(tenant=tenant, name=name, slug=None, acting=acting)
    else:
        domain = _domain_for_task(tenant, domain_slug)
    task = Task(tenant=tenant, domain=domain, name=name, slug=slug, kind=kind.value, created_by=acting.user)
    _save_unless_taken(task, slug)
    audit_record(actor=acting.name, action="task.create", target=task, tenant=tenant, slug=slug)
    return task


@transaction.atomic
def task_rename(*, task: Task, name: str, acting: Actor) -> Task:
    """Change the name that people see; the slug, which applications call, stays."""
    task = task_lock(task)
    audit_record(
        actor=acting.name, action="task.rename", target=task, tenant=task.tenant, old=task.name, new=name
    )
    task.name = name
    task.save(update_fields=["name"])
    return task


@transaction.atomic
def task_floor_set(*, task: Task, coverage_floor: float | None, acting: Actor) -> Task:
    """From now on texts of which trigrams and bigrams answer a smaller share have their lower layers
    computed; None: no text has."""
    task = task_lock(task)
    audit_record(
        actor=acting.name,
        action="task.floor",
        target=task,
        tenant=task.tenant,
        old=task.coverage_floor,
        new=coverage_floor,
    )
    task.coverage_floor = coverage_floor
    task.save(update_fields=["coverage_floor"])
    return task


@transaction.atomic
def task_delete(*, task: Task, acting: Actor) -> None:
    """The task with its versions, trainings and keys. Callers see to it that nothing of it is at work."""
    audit_record(actor=acting.name, action="task.delete", target=task, tenant=task.tenant, slug=task.slug)
    task.delete()


@transaction.atomic
def task_labels_set(*, task: Task, labels: Sequence[str]) -> None:
    """What the task predicts, from its first training's dataset; later datasets do not change it."""
    if not task.labels:
        task.labels = list(labels)
        task.save(update_fields=["labels"])


@transaction.atomic
def version_register(
    *,
    task: Task,
    job_id: UUID,
    dataset: Dataset,
    backbone: Backbone,
    labels: Sequence[str],
    parent_digest: str,
    segments: Sequence[Mapping[str, str]],
    result: TrainResult,
) -> AdapterVersion:
    """The version that a training made, with the segment and the tree that it learnt; the same when repeated.

    Runs in the scope of the task's tenant. ``labels`` is the order of the head's outputs; ``segments`` are
    those that stood beside the dataset's own, as TreeVersion.segments; ``parent_digest`` is the digest of the
    tree of the nodes above: in a shared domain, of the domain's own tree, which is what the version looks up
    in.
    """
    tenant = task.tenant
    task_lock(task)  # two registrations number their versions one after the other
    known = AdapterVersion.objects.for_tenant(tenant).filter(training_job_id=job_id).first()
    if known is not None:
        return known
    _segment_register(task.domain, tenant, dataset, result.segment)
    own = {"dataset": str(dataset.pk), "uri": result.segment.uri, "digest": result.segment.digest}
    version = AdapterVersion(
        dataset=dataset,
        tree_version=_trained_tree(task, backbone, parent_digest, [*segments, own], result),
        labels=list(labels),
        report=result.report,
        training_job_id=job_id,
    )
    _version_save(version, task, backbone, result.version, job_id)
    if result.leaf is not None:
        _leaf_register(version, dataset, result.leaf)
    return version


@transaction.atomic
def version_import(
    *,
    task: Task,
    import_id: UUID,
    dataset: Dataset | None,
    backbone: Backbone,
    tree: TreeVersion,
    result: ImportResult,
) -> AdapterVersion:
    """The version that an import made, a draft unless it has passed; the same when repeated.

    Runs in the scope of the task's tenant. ``tree`` is the one that it was compared on.
    """
    task_lock(task)  # two registrations number their versions one after the other
    known = AdapterVersion.objects.for_tenant(task.tenant).filter(import_id=import_id).first()
    if known is not None:
        return known
    version = AdapterVersion(
        state=VersionState.PUBLISHED if result.passed else VersionState.DRAFT,
        dataset=dataset,
        tree_version=tree,
        labels=list(result.labels),
        report=result.report,
        import_id=import_id,
    )
    _version_save(version, task, backbone, result.version, import_id)
    task_labels_set(task=task, labels=result.labels)
    return version


@transaction.atomic
def version_taken(*, version: AdapterVersion, task: Task, acting: Actor, with_backbone: bool = False) -> None:
    """Note that somebody takes the adapter of ``task``'s ``version`` away, alone or to predict offline."""
    audit_record(
        actor=acting.name,
        action="version.export" if with_backbone else "version.download",
        target=version,
        tenant=task.tenant,
        task=task.slug,
        number=version.number,
        digest=version.bundle_digest,
    )


@transaction.atomic
def backbone_register(*, name: str, bundle: PublishedBundle) -> Backbone:
    """Make ``bundle`` the default backbone; runs in the operator's scope."""
    known = Backbone.objects.filter(digest=bundle.digest).first()
    if known is not None and known.is_default and known.uri == bundle.uri:
        return known
    Backbone.objects.filter(is_default=True).update(is_default=False)
    backbone, _ = Backbone.objects.update_or_create(
        digest=bundle.digest,
        defaults={"name": name, "uri": bundle.uri, "num_bytes": bundle.num_bytes, "is_default": True},
    )
    audit_record(
        actor=OPERATOR.name, action="backbone.register", target=backbone, tenant=None, digest=bundle.digest
    )
    return backbone


@transaction.atomic
def general_tree_register(
    *, backbone: Backbone, bundle: PublishedBundle, coverage: Mapping[str, Any]
) -> TreeVersion:
    """A tree of the shared domain "general", which is made if need be; what is registered last is the newest.

    Runs in the operator's scope.
    """
    domain = Domain.objects.unscoped().filter(tenant=None, slug=GENERAL_DOMAIN).first()
    if domain is None:
        domain = Domain(tenant=None, name="General", slug=GENERAL_DOMAIN)
        domain.save(force_insert=True)
    trees = TreeVersion.objects.unscoped().filter(domain=domain)
    is_new = not trees.filter(digest=bundle.digest).exists()
    tree = tree_register(
        domain=domain, backbone=backbone, bundle=bundle, parent=None, segments=(), coverage=coverage
    )
    newest = tree_newest(domain=domain, backbone=backbone)
    if newest != tree:
        tree.created_at = moment_after(newest)
        tree.save(update_fields=["created_at"])
    if is_new or newest != tree:
        audit_record(
            actor=OPERATOR.name, action="tree.register", target=tree, tenant=None, digest=tree.digest
        )
    return tree


def tree_register(
    *,
    domain: Domain,
    backbone: Backbone,
    bundle: PublishedBundle,
    parent: TreeVersion | None,
    segments: Sequence[Mapping[str, str]],
    coverage: Mapping[str, Any],
) -> TreeVersion:
    """Trees are known by content: one that was published before is live again, where it lies, or if it was
    destroyed, where ``bundle`` lies.

    ``segments`` are those of the domain's own node; those of the nodes above come from ``parent``.
    """
    above = parent.segments if parent is not None else []
    every = {segment["dataset"]: dict(segment) for segment in [*above, *segments]}
    same = TreeVersion.objects.unscoped().filter(domain=domain, digest=bundle.digest)
    known = same.select_for_update(of=("self",)).first()  # destroyed before this, or not at all
    if known is not None:
        if known.destroyed_at is not None:
            known.uri, known.parent = bundle.uri, parent
        known.retired_at = known.condemned_at = known.destroyed_at = known.replaced_by = None
        # What of them came to nothing in a shared node is not in the digest.
        known.segments = [every[dataset] for dataset in sorted(every)]
        known.save()
        return known
    tree = TreeVersion(
        tenant_id=domain.tenant_id,
        domain=domain,
        backbone=backbone,
        uri=bundle.uri,
        digest=bundle.digest,
        num_bytes=bundle.num_bytes,
        coverage=dict(coverage),
        parent=parent,
        segments=[every[dataset] for dataset in sorted(every)],
        created_at=moment_after(tree_newest(domain=domain, backbone=backbone)),
    )
    tree.save(force_insert=True)
    return tree


def _checked_min_tenants(number: int) -> int:
    if not LEAST_TENANTS <= number <= MOST_TENANTS:
        raise InvalidField(
            "min_tenants", f"An n-gram must be of {LEAST_TENANTS} to {MOST_TENANTS} tenants, not {number}."
        )
    return number


def _save_unless_taken(thing: Domain | Task, slug: str) -> None:
    with unless_taken(AlreadyExists("slug", f"{slug} is taken: choose another slug.")):
        thing.save(force_insert=True)


def _shared_domain(slug: str) -> Domain | None:
    """None for "general", under which everything stands anyway."""
    found = Domain.objects.unscoped().filter(tenant=None, slug=slug).first()
    if found is None:
        raise InvalidField("parent_domain", f"There is no shared domain {slug}.")
    return None if found.slug == GENERAL_DOMAIN else found


def task_lock(task: Task) -> Task:
    """The task's row is the lock of its versions' numbers, its deployments and its trials."""
    return row_lock(task, "task")


def _domain_for_task(tenant: Tenant, slug: str) -> Domain:
    domain = Domain.objects.visible_to(tenant).filter(slug=slug).order_by("tenant_id").first()
    if domain is None:
        raise InvalidField("domain", f"There is no domain {slug}: make it first, or leave the field out.")
    return domain


def _version_save(
    version: AdapterVersion, task: Task, backbone: Backbone, bundle: PublishedBundle, job_id: UUID
) -> None:
    """Fill in what every version has, and number it; its task is locked."""
    tenant = task.tenant
    last = AdapterVersion.objects.for_tenant(tenant).filter(task=task).aggregate(last=Max("number"))["last"]
    version.tenant, version.task, version.backbone = tenant, task, backbone
    version.number = (last or 0) + 1
    version.bundle_uri, version.bundle_digest = bundle.uri, bundle.digest
    version.num_bytes = bundle.num_bytes
    version.save(force_insert=True)
    audit_record(
        actor=actor_of_job(job_id).name,
        action="version.register",
        target=version,
        tenant=tenant,
        task=task.slug,
        number=version.number,
        digest=version.bundle_digest,
    )
    if version.state == VersionState.PUBLISHED:
        event_emit(
            tenant=tenant,
            type=EventType.VERSION_PUBLISHED,
            subject=task.pk,
            data={
                "task": task.slug,
                "version": version.number,
                "training": None if version.training_job_id is None else str(job_id),
                "import": None if version.import_id is None else str(job_id),
            },
        )


def _trained_tree(
    task: Task,
    backbone: Backbone,
    parent_digest: str,
    segments: Sequence[Mapping[str, str]],
    result: TrainResult,
) -> TreeVersion:
    """What the version looks up in: the tree that its training learnt, or the shared domain's as it stood."""
    above = TreeVersion.objects.visible_to(task.tenant).filter(digest=parent_digest).first()
    if task.domain.tenant_id is None and above is not None:
        return above
    return tree_register(
        domain=task.domain,
        backbone=backbone,
        bundle=result.tree,
        parent=above,
        segments=segments,
        coverage=result.report.get("coverage", {}),
    )


def _leaf_register(version: AdapterVersion, dataset: Dataset, bundle: PublishedBundle) -> None:
    PrivateLeaf(
        tenant=version.tenant,
        version=version,
        dataset_id=dataset.pk,
        uri=bundle.uri,
        digest=bundle.digest,
        num_bytes=bundle.num_bytes,
    ).save(force_insert=True)


def _segment_register(domain: Domain, tenant: Tenant, dataset: Dataset, bundle: PublishedBundle) -> None:
    Segment.objects.for_tenant(tenant).update_or_create(
        domain=domain,
        dataset=dataset,
        defaults={
            "tenant": tenant,
            "uri": bundle.uri,
            "digest": bundle.digest,
            "num_bytes": bundle.num_bytes,
        },
    )
