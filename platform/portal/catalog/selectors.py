"""Reading backbones, domains, trees, tasks and versions."""

from datetime import datetime, timedelta

from django.db.models import Case, F, JSONField, QuerySet, Value, When
from django.db.models.functions import JSONObject
from django.utils import timezone

from portal.catalog.models import (
    GENERAL_DOMAIN,
    AdapterVersion,
    Backbone,
    Domain,
    Segment,
    Task,
    TreeVersion,
)
from portal.common.errors import NotFound, PortalError
from portal.tenants.models import Tenant
from wire.errors import ErrorCode


def backbone_default() -> Backbone:
    """The backbone that is trained on and served; not_ready (503) before the operator has registered one."""
    found = Backbone.objects.filter(is_default=True).first()
    if found is None:
        raise PortalError(
            "No backbone is registered yet: the installation is still being prepared.",
            code=ErrorCode.NOT_READY,
        )
    return found


def general_tree(*, tenant: Tenant, backbone: Backbone) -> TreeVersion:
    """The newest tree of the shared domain "general" for ``backbone``: the parent of every domain's tree."""
    found = (
        TreeVersion.objects.visible_to(tenant)
        .filter(tenant=None, domain__slug=GENERAL_DOMAIN, backbone=backbone, retired_at=None)
        .order_by("-created_at")
        .first()
    )
    if found is None:
        raise PortalError(
            "The general domain has no tree for this backbone yet: the installation is still being prepared.",
            code=ErrorCode.NOT_READY,
        )
    return found


def parent_tree(*, tenant: Tenant, domain: Domain, backbone: Backbone) -> TreeVersion:
    """The tree of the nodes above ``domain``: the newest of its parent, or general's while that has none."""
    newest = tree_newest(domain=domain.parent, backbone=backbone) if domain.parent is not None else None
    return newest or general_tree(tenant=tenant, backbone=backbone)


def looked_up_tree(*, tenant: Tenant, domain: Domain, backbone: Backbone) -> TreeVersion:
    """What a training starts from: of a shared domain its own tree, else the tree of the nodes above."""
    newest = tree_newest(domain=domain, backbone=backbone) if domain.tenant_id is None else None
    return newest or parent_tree(tenant=tenant, domain=domain, backbone=backbone)


def tree_newest(*, domain: Domain, backbone: Backbone) -> TreeVersion | None:
    """The domain's newest live tree for ``backbone``."""
    live = TreeVersion.objects.unscoped().filter(domain=domain, backbone=backbone, retired_at=None)
    return live.order_by("-created_at", "id").first()


def moment_after(newest: TreeVersion | None) -> datetime:
    """Of a tree that is to be its domain's newest: now, or after one whose worker's clock was ahead."""
    now = timezone.now()
    return now if newest is None else max(now, newest.created_at + timedelta(microseconds=1))


def domain_list(*, tenant: Tenant) -> QuerySet[Domain]:
    """The tenant's domains and the shared ones, by slug."""
    return Domain.objects.visible_to(tenant).select_related("parent").order_by("slug", "id")


def segment_list(*, tenant: Tenant, domain: Domain) -> QuerySet[Segment]:
    """What the tenant's datasets have contributed to ``domain``, oldest first."""
    return Segment.objects.for_tenant(tenant).filter(domain=domain).order_by("created_at", "id")


def task_list(*, tenant: Tenant) -> QuerySet[Task]:
    """The tenant's tasks, domains loaded, by slug."""
    return Task.objects.for_tenant(tenant).select_related("domain").order_by("slug")


def task_get(*, tenant: Tenant, slug: str) -> Task:
    """The tenant's task of this slug, domain loaded."""
    found = task_list(tenant=tenant).filter(slug=slug).first()
    if found is None:
        raise NotFound("task")
    return found


def version_list(*, tenant: Tenant, task: Task) -> QuerySet[AdapterVersion]:
    """The task's versions, newest first, with what they were trained from, and of their reports, which
    are long, ``own_headline`` alone."""
    # The first reports of one label have no headline: it was the accuracy.
    accuracy = JSONObject(
        name=Value("accuracy"), value=F("report__accuracy"), ci95=F("report__accuracy_ci95")
    )
    return (
        AdapterVersion.objects.for_tenant(tenant)
        .filter(task=task)
        .select_related("dataset", "tree_version", "backbone", "private_leaf")
        .defer("report")
        .annotate(
            own_headline=Case(
                When(report__has_key="headline", then=F("report__headline")),
                When(report__has_keys=["accuracy", "accuracy_ci95"], then=accuracy),
                output_field=JSONField(),
            )
        )
        .order_by("-number")
    )


def version_get(*, tenant: Tenant, task: Task, number: int) -> AdapterVersion:
    """The task's version of this number, with its report."""
    found = version_list(tenant=tenant, task=task).defer(None).filter(number=number).first()
    if found is None:
        raise NotFound("version")
    return found
