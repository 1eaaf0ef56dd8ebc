"""What can be served and where it lies: backbones, domains, segments, trees, tasks and adapter versions."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.common.models import TenantManager, TenantOwned
from portal.common.task_kinds import TASK_KINDS
from wire.domains import K_TENANTS, LEAST_TENANTS, MOST_TENANTS
from wire.tasks import TaskKind

GENERAL_DOMAIN = "general"  # slug of the shared domain at the root of the tree


def _empty_list() -> list[Any]:
    return []


def _empty_dict() -> dict[str, Any]:
    return {}


class Backbone(models.Model):
    """A split encoder in the store. At most one is the default: the one that is trained on and served."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=200)
    uri = models.CharField(max_length=300)
    digest = models.CharField(max_length=71, unique=True)
    num_bytes = models.BigIntegerField()
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "backbone"
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="backbone_one_default"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Domain(models.Model):
    """A text domain that has its own PLOT node. Of no tenant: shared by all, as "general" is.

    ``parent`` is the shared domain whose node stands above this one's; null: "general" itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", null=True, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # Of a shared domain: an n-gram of tenants' text enters when so many verified ones have it.
    min_tenants = models.PositiveSmallIntegerField(default=K_TENANTS)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantManager()

    class Meta:
        db_table = "domain"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="domain_slug", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(min_tenants__range=(LEAST_TENANTS, MOST_TENANTS)), name="domain_min_tenants"
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class Segment(TenantOwned):
    """What one dataset contributes to a domain's PLOT."""

    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="+")
    uri = models.CharField(max_length=300)
    digest = models.CharField(max_length=71)
    num_bytes = models.BigIntegerField()

    class Meta:
        db_table = "segment"
        constraints = [models.UniqueConstraint(fields=["domain", "dataset"], name="segment_dataset_once")]


class TreeVersion(models.Model):
    """A published tree of a domain: the path of nodes that look-ups walk. Of no tenant: a shared domain's.

    Live, then retired (``replaced_by`` serves instead), then destroyed: its bundle is gone, the row stays.
    A retired one is kept while a job reads it, unless it is condemned: it holds what must be forgotten.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", null=True, on_delete=models.CASCADE, related_name="+")
    domain = models.ForeignKey(Domain, on_delete=models.CASCADE, related_name="+")
    backbone = models.ForeignKey(Backbone, on_delete=models.PROTECT, related_name="+")
    uri = models.CharField(max_length=300)
    digest = models.CharField(max_length=71)
    num_bytes = models.BigIntegerField()
    coverage = models.JSONField(default=_empty_dict)
    parent = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    segments = models.JSONField(
        default=_empty_list
    )  # [{"dataset", "uri", "digest"}] of tenants, at all its nodes
    replaced_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    retired_at = models.DateTimeField(null=True)
    condemned_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantManager()

    class Meta:
        db_table = "tree_version"
        constraints = [models.UniqueConstraint(fields=["domain", "digest"], name="tree_version_digest")]


class Task(TenantOwned):
    """A tenant's ML task. ``labels`` is what its first training's dataset held; versions carry their own."""

    # Restricted, not protected: a tenant goes with all it has.
    domain = models.ForeignKey(Domain, on_delete=models.RESTRICT, related_name="+")
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=63)
    kind = models.CharField(max_length=32, choices=TASK_KINDS, default=TaskKind.SINGLE_LABEL.value)
    labels = models.JSONField(default=_empty_list)
    # Of a text's tokens: when trigrams and bigrams answer fewer, its lower layers are computed. Null: never.
    coverage_floor = models.FloatField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "task"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "slug"], name="task_slug"),
            models.CheckConstraint(
                condition=Q(coverage_floor__isnull=True) | Q(coverage_floor__range=(0, 1)),
                name="task_coverage_floor",
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class VersionState(models.TextChoices):
    """DRAFT -> PUBLISHED -> RETIRED."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class AdapterVersion(TenantOwned):
    """One adapter with its head, and the tree it was trained on or compared on; numbered from 1 in its task.

    Trained by us, or brought by an import: then a draft unless it has passed the parity test.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=VersionState, default=VersionState.PUBLISHED)
    dataset = models.ForeignKey("datasets.Dataset", null=True, on_delete=models.SET_NULL, related_name="+")
    backbone = models.ForeignKey(Backbone, on_delete=models.PROTECT, related_name="+")
    tree_version = models.ForeignKey(TreeVersion, on_delete=models.RESTRICT, related_name="+")
    bundle_uri = models.CharField(max_length=300)
    bundle_digest = models.CharField(max_length=71)
    num_bytes = models.BigIntegerField()
    labels = models.JSONField(default=_empty_list)
    report = models.JSONField(default=_empty_dict)
    training_job_id = models.UUIDField(null=True, unique=True)
    import_id = models.UUIDField(null=True, unique=True)

    class Meta:
        db_table = "adapter_version"
        constraints = [
            models.UniqueConstraint(fields=["task", "number"], name="adapter_version_number"),
            models.CheckConstraint(
                condition=Q(training_job_id__isnull=False) ^ Q(import_id__isnull=False),
                name="adapter_version_origin",
            ),
        ]


class PrivateLeaf(TenantOwned):
    """A version's own PLOT node below a shared domain's: the n-grams of its dataset that no shared node has.

    Live, then retired when the dataset is deleted (the version serves without it), then destroyed.
    """

    version = models.OneToOneField(AdapterVersion, on_delete=models.CASCADE, related_name="private_leaf")
    dataset_id = models.UUIDField()  # no foreign key: it outlives the dataset until it is destroyed
    uri = models.CharField(max_length=300)
    digest = models.CharField(max_length=71)
    num_bytes = models.BigIntegerField()
    retired_at = models.DateTimeField(null=True)
    destroyed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "private_leaf"
        indexes = [models.Index(fields=["dataset_id"], name="private_leaf_dataset")]
