"""Builds the job files of domains' processes from the catalog."""

import hashlib

from django.conf import settings

from portal.catalog.models import AdapterVersion, Domain, PrivateLeaf, TreeVersion
from portal.catalog.selectors import backbone_default, tree_newest
from portal.common.errors import Conflict, PortalError
from portal.domains.models import GateConsent
from portal.domains.selectors import contributions_of, is_allowed, keeps_rule
from portal.serving.models import Deployment, DeploymentState
from portal.serving.selectors import served_tree
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from wire.artifacts import BundleRef
from wire.domains import (
    MAX_GATE_ROWS,
    NODE_RULES,
    Contribution,
    DomainJob,
    DomainTree,
    GatedTask,
    SuggestJob,
)
from wire.errors import ErrorCode
from wire.ids import BundleUri, DatasetId, Digest, DomainId, TaskId


def update_job(lease: Lease) -> DomainJob:
    """The input of an update's process. Raises LeaseLost, or PortalError (not_ready)."""
    with lease_scope(lease):
        row = held_by(lease).select_related("domain__parent", "brings_back__parent").first()
        if row is None or row.domain is None:
            raise LeaseLost
        domain: Domain = row.domain
        backbone = backbone_default()
        if row.brings_back is not None:
            return _bring_back_job(lease, domain, row.brings_back)
        parent = tree_above(domain)
        contributions = contributions_of(domain)
        newest = tree_newest(domain=domain, backbone=backbone)
        base = f"tenants/{domain.tenant_id}" if domain.tenant_id is not None else f"domains/{domain.pk}"
        job = DomainJob(
            job_id=lease.job_id,
            domain_id=DomainId(str(domain.pk)),
            backbone=BundleRef(BundleUri(backbone.uri), Digest(backbone.digest)),
            parent=ref_of(parent),
            contributions=contributions,
            is_shared=domain.tenant_id is None,
            tree_out_uri=BundleUri(f"{base}/trees/{_content_name(parent, domain, contributions)}"),
            tree_before=ref_of(newest) if newest is not None else None,
            tasks=_gated_tasks(domain),
            min_tenants=domain.min_tenants,
            max_node_bytes=int(settings.ENV.node_bytes),
            max_memory_bytes=int(settings.ENV.build_memory_bytes),
        )
        # Locked: a tree at that place is destroyed before the process looks for it, or stays (trees_destroy).
        same = TreeVersion.objects.unscoped().filter(uri=job.tree_out_uri).select_for_update()
        list(same.values_list("pk", flat=True))
        held_by(lease).update(out_uri=job.tree_out_uri)
        return job


def _bring_back_job(lease: Lease, domain: Domain, tree: TreeVersion) -> DomainJob:
    """The tree stands: nothing is built, and it is tried on the tasks as a new one is."""
    if not is_allowed(tree) or not keeps_rule(tree):
        raise Conflict("The tree that was to be brought back does not stand any more.")
    assert tree.parent is not None, "is_allowed has looked"
    held = {segment["dataset"] for segment in tree.segments}
    backbone = backbone_default()
    newest = tree_newest(domain=domain, backbone=backbone)
    held_by(lease).update(out_uri=tree.uri)
    return DomainJob(
        job_id=lease.job_id,
        domain_id=DomainId(str(domain.pk)),
        backbone=BundleRef(BundleUri(backbone.uri), Digest(backbone.digest)),
        parent=ref_of(tree.parent),
        contributions=tuple(one for one in contributions_of(domain) if one.dataset_id in held),
        is_shared=domain.tenant_id is None,
        tree_out_uri=BundleUri(tree.uri),
        tree_before=ref_of(newest) if newest is not None else None,
        tasks=_gated_tasks(domain),
        is_standing=True,
    )


def suggest_job(lease: Lease) -> SuggestJob:
    """The input of a suggestion's process. Raises LeaseLost, or PortalError (not_ready)."""
    with lease_scope(lease):
        row = held_by(lease).select_related("tenant", "dataset").first()
        if row is None or row.dataset is None or row.dataset.deleted_at is not None:
            raise LeaseLost
        backbone = backbone_default()
        domains = Domain.objects.visible_to(row.tenant).exclude(tenant=None, slug="general")
        newest = [(domain, tree_newest(domain=domain, backbone=backbone)) for domain in domains]
        return SuggestJob(
            job_id=lease.job_id,
            dataset_id=DatasetId(str(row.dataset.pk)),
            rows_uri=BundleUri(row.dataset.rows_uri),
            backbone=BundleRef(BundleUri(backbone.uri), Digest(backbone.digest)),
            general=ref_of(general_newest()),
            domains=tuple(
                DomainTree(DomainId(str(domain.pk)), ref_of(tree))
                for domain, tree in newest
                if tree is not None
            ),
        )


def tree_above(domain: Domain) -> TreeVersion:
    """The tree of the nodes above a domain. Needs a scope that sees shared trees."""
    if domain.parent is not None:
        found = tree_newest(domain=domain.parent, backbone=backbone_default())
        if found is not None:
            return found
    return general_newest()


def general_newest() -> TreeVersion:
    """The root's tree. Raises not_ready."""
    general = Domain.objects.unscoped().filter(tenant=None, slug="general").first()
    found = tree_newest(domain=general, backbone=backbone_default()) if general is not None else None
    if found is None:
        raise PortalError("The general domain has no tree yet.", code=ErrorCode.NOT_READY)
    return found


def ref_of(tree: TreeVersion) -> BundleRef:
    """Place and content of a tree."""
    return BundleRef(BundleUri(tree.uri), Digest(tree.digest))


def _gated_tasks(domain: Domain) -> tuple[GatedTask, ...]:
    deployments = (
        Deployment.objects.unscoped()
        .filter(task__domain=domain, state=DeploymentState.ACTIVE)
        .select_related(
            "version__dataset",
            "version__private_leaf",
            "version__tree_version__replaced_by",
            "tree_version__replaced_by",
        )
        .order_by("task_id")
    )
    agreed = set(GateConsent.objects.unscoped().filter(task__domain=domain).values_list("task_id", flat=True))
    tasks = []
    for deployment in deployments:
        version, tree = deployment.version, served_tree(deployment)
        if tree.destroyed_at is None:
            rows = _held_out_rows(version) if deployment.task_id in agreed else ()
            tasks.append(
                GatedTask(
                    task_id=TaskId(str(deployment.task_id)),
                    version=BundleRef(BundleUri(version.bundle_uri), Digest(version.bundle_digest)),
                    tree=ref_of(tree),
                    rows_uri=BundleUri(version.dataset.rows_uri if version.dataset is not None else ""),
                    rows=rows,
                    leaf=_leaf_of(version),
                )
            )
    return tuple(tasks)


def _leaf_of(version: AdapterVersion) -> BundleRef | None:
    leaf: PrivateLeaf | None = getattr(version, "private_leaf", None)
    if leaf is None or leaf.retired_at is not None:
        return None
    return BundleRef(BundleUri(leaf.uri), Digest(leaf.digest))


def _held_out_rows(version: AdapterVersion) -> tuple[int, ...]:
    if version.dataset is None or version.dataset.deleted_at is not None:
        return ()
    return tuple(version.report.get("test_rows", ()))[:MAX_GATE_ROWS]


def _content_name(parent: TreeVersion, domain: Domain, contributions: tuple[Contribution, ...]) -> str:
    """A function of what the tree is made from, and of where the tree above it stands: the same content has
    the same place, and what stands there names places of nodes that stand."""
    parts = [parent.digest, parent.uri, str(domain.pk), *sorted(one.digest for one in contributions)]
    parts.append(f"by rules {NODE_RULES} in {int(settings.ENV.node_bytes)} bytes")
    if domain.tenant_id is None:
        parts += sorted(f"{one.tenant_id}:{one.digest}" for one in contributions)
        parts.append(f"of {domain.min_tenants} tenants")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
