"""Reading what domains are made of, and what is going on with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from portal.catalog.models import GENERAL_DOMAIN, Domain, Segment, Task, TreeVersion
from portal.catalog.selectors import backbone_default, tree_newest
from portal.common.errors import Conflict, NotFound
from portal.domains.models import (
    WITH_RECEIPT,
    Contribution,
    DeletionRecord,
    DomainJob,
    DomainJobKind,
    GateConsent,
    OperatorSegment,
    TenantVerification,
)
from portal.tenants.models import Tenant
from wire.domains import Contribution as WireContribution
from wire.ids import BundleUri, DatasetId, Digest, TenantId


@dataclass(frozen=True, slots=True)
class SharedDomainStanding:
    """What stands of one shared domain."""

    domain: Domain
    tree: TreeVersion | None  # the newest
    num_contributions: int  # datasets of which a consent stands
    num_tenants: int  # that gave them
    num_verified: int  # of those; the k-tenant rule counts no others


@dataclass(frozen=True, slots=True)
class SharedDomainUse:
    """Who has to do with one shared domain; of the operator alone to see."""

    tasks: tuple[str, ...]  # in it: "tenant/task"
    domains_below: tuple[str, ...]  # "tenant/domain", or the slug of a shared one
    contributions: tuple[Contribution, ...]  # that stand; tenant and dataset loaded
    texts: tuple[OperatorSegment, ...]  # of the operator, oldest first


def shared_domain_use(domain: Domain) -> SharedDomainUse:
    """Needs the operator's scope."""
    tasks = Task.objects.unscoped().filter(domain=domain).select_related("tenant")
    below = Domain.objects.unscoped().filter(parent=domain).select_related("tenant")
    given = Contribution.objects.unscoped().filter(domain=domain, revoked_at=None)
    return SharedDomainUse(
        tasks=tuple(sorted(f"{task.tenant.slug}/{task.slug}" for task in tasks)),
        domains_below=tuple(
            sorted(one.slug if one.tenant is None else f"{one.tenant.slug}/{one.slug}" for one in below)
        ),
        contributions=tuple(given.select_related("tenant", "dataset").order_by("tenant__slug", "created_at")),
        texts=tuple(OperatorSegment.objects.filter(domain=domain).order_by("created_at")),
    )


def shared_domain_standings() -> Sequence[SharedDomainStanding]:
    """Every shared domain but the root, by slug. Needs the operator's scope."""
    backbone = backbone_default()
    verified = set(TenantVerification.objects.unscoped().values_list("tenant_id", flat=True))
    standings = []
    shared = Domain.objects.unscoped().filter(tenant=None).exclude(slug=GENERAL_DOMAIN)
    for domain in shared.select_related("parent").order_by("slug"):
        given = Contribution.objects.unscoped().filter(domain=domain, revoked_at=None)
        tenants = list(given.values_list("tenant_id", flat=True))
        standings.append(
            SharedDomainStanding(
                domain=domain,
                tree=tree_newest(domain=domain, backbone=backbone),
                num_contributions=len(tenants),
                num_tenants=len(set(tenants)),
                num_verified=len(set(tenants) & verified),
            )
        )
    return standings


def domain_get(*, tenant: Tenant, slug: str) -> Domain:
    """A domain that the tenant sees, parent loaded."""
    found = (
        Domain.objects.visible_to(tenant)
        .select_related("parent", "tenant")
        .filter(slug=slug)
        .order_by("tenant_id")
        .first()
    )
    if found is None:
        raise NotFound("domain")
    return found


def shared_domain_get(*, slug: str) -> Domain:
    """A shared domain to contribute to: any but the root, which learns from the operator alone."""
    found = Domain.objects.unscoped().filter(tenant=None, slug=slug).exclude(slug=GENERAL_DOMAIN).first()
    if found is None:
        raise NotFound("shared domain")
    return found


def contributions_of(domain: Domain) -> tuple[WireContribution, ...]:
    """The segments that the domain's own node may be made of now. Needs a scope that sees them all."""
    if domain.tenant_id is not None:
        own = Segment.objects.unscoped().filter(domain=domain, dataset__deleted_at=None)
        return tuple(_contribution(segment) for segment in own.order_by("dataset_id"))
    agreed = Contribution.objects.unscoped().filter(
        domain=domain,
        revoked_at=None,
        dataset__deleted_at=None,
        tenant__is_active=True,
        tenant_id__in=TenantVerification.objects.unscoped().values("tenant_id"),
    )
    segments = Segment.objects.unscoped().filter(dataset_id__in=agreed.values("dataset_id"))
    once = segments.order_by("dataset_id", "created_at").distinct("dataset_id")
    operators = OperatorSegment.objects.filter(domain=domain).order_by("digest")
    return (
        *(
            WireContribution(DatasetId(str(own.pk)), None, BundleUri(own.uri), Digest(own.digest))
            for own in operators
        ),
        *(_contribution(segment) for segment in once),
    )


def tree_before_newest(domain: Domain) -> TreeVersion:
    """The live tree before the newest, which holds nothing that the domain may not hold now.

    Raises Conflict: there is none, or a deletion has destroyed it or is about to. Needs a scope that sees the
    domain's segments, and those of the nodes above.
    """
    live = TreeVersion.objects.unscoped().filter(
        domain=domain, backbone=backbone_default(), retired_at=None, destroyed_at=None
    )
    found = live.select_related("parent").order_by("-created_at", "id")[1:2].first()
    if found is None:
        raise Conflict(
            f"No tree of {domain.slug} stands before the newest: at most one is kept, and none that holds"
            " deleted text."
        )
    if not is_allowed(found):
        raise Conflict("The tree before the newest holds text that was deleted: it is about to be destroyed.")
    if not keeps_rule(found):
        raise Conflict(
            f"The tree before the newest may have what fewer than the {domain.min_tenants} tenants share that"
            f" it takes in {domain.slug} now."
        )
    return found


def keeps_rule(tree: TreeVersion) -> bool:
    """Was it made by the rule of tenants that its domain has now, or a stricter one? One that does not say
    its rule was made by an older release: nobody knows."""
    if tree.domain.tenant_id is not None:
        return True
    number = tree.coverage.get("min_tenants")
    return isinstance(number, int) and number >= tree.domain.min_tenants


def is_allowed(tree: TreeVersion) -> bool:
    """Is it live on a live tree, and made of nothing that was deleted since?"""
    if tree.retired_at is not None or tree.parent is None or tree.parent.retired_at is not None:
        return False
    allowed = {one.dataset_id for one in contributions_of(tree.domain)}
    allowed |= {DatasetId(segment["dataset"]) for segment in tree.parent.segments}
    return all(segment["dataset"] in allowed for segment in tree.segments)


def tainted_trees(record: DeletionRecord) -> QuerySet[TreeVersion]:
    """Trees not yet destroyed that hold what the record forgets, at any node. Needs the operator's scope."""
    trees = TreeVersion.objects.unscoped().filter(destroyed_at=None)
    if record.domain_id is not None:  # of a contribution: elsewhere the text stays
        trees = trees.filter(domain_id=record.domain_id)
    found: set[UUID] = set()
    for segment in record.segments:
        holding = trees.filter(segments__contains=[{"dataset": segment["dataset"]}])
        found.update(holding.values_list("pk", flat=True))
    newest = found
    while newest:
        below = TreeVersion.objects.unscoped().filter(destroyed_at=None, parent_id__in=newest)
        newest = set(below.values_list("pk", flat=True)) - found
        found |= newest
    return TreeVersion.objects.unscoped().filter(pk__in=found)


def update_list(*, tenant: Tenant, domain: Domain) -> QuerySet[DomainJob]:
    """The updates of one of the tenant's own domains, newest first."""
    own: QuerySet[DomainJob] = DomainJob.objects.for_tenant(tenant)
    updates = own.filter(domain=domain, does=DomainJobKind.UPDATE)
    return updates.select_related("tree", "brings_back").order_by("-created_at", "id")


def tree_list(*, tenant: Tenant, domain: Domain) -> QuerySet[TreeVersion]:
    """The domain's trees, newest first, those that are gone too."""
    return TreeVersion.objects.visible_to(tenant).filter(domain=domain).order_by("-created_at", "id")


def has_gate_consent(*, task: Task) -> bool:
    """May held-out rows of the task be used to try new trees on?"""
    return GateConsent.objects.for_tenant(task.tenant).filter(task=task).exists()


def contribution_list(*, tenant: Tenant) -> QuerySet[Contribution]:
    """What the tenant has agreed to contribute, and what it once had, newest first."""
    rows = Contribution.objects.for_tenant(tenant).select_related("domain", "dataset")
    return rows.order_by("-created_at", "id")


def deletion_list(*, tenant: Tenant) -> QuerySet[DeletionRecord]:
    """The tenant's lines of the deletion ledger that have a receipt, newest first."""
    records = DeletionRecord.objects.for_tenant(tenant).filter(subject__in=WITH_RECEIPT)
    return records.order_by("-deleted_at", "id")


def deletion_get(*, tenant: Tenant, deletion_id: UUID) -> DeletionRecord:
    """One of them."""
    found = deletion_list(tenant=tenant).filter(pk=deletion_id).first()
    if found is None:
        raise NotFound("deletion")
    return found


def suggestion_get(*, tenant: Tenant, dataset_id: UUID) -> DomainJob:
    """The job that looks, or has looked, which domain the dataset is like."""
    found: DomainJob | None = DomainJob.objects.for_tenant(tenant).filter(dataset_id=dataset_id).first()
    if found is None:
        raise NotFound("suggestion for this dataset")
    return found


def _contribution(segment: Segment) -> WireContribution:
    return WireContribution(
        DatasetId(str(segment.dataset_id)),
        TenantId(str(segment.tenant_id)),
        BundleUri(segment.uri),
        Digest(segment.digest),
    )
