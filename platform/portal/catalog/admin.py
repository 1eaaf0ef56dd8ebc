"""Backbones, domains, trees, tasks and versions in the operator's console."""

from django.contrib import admin

from portal.catalog.models import AdapterVersion, Backbone, Domain, Segment, Task, TreeVersion
from portal.common.console import ReadOnlyAdmin


@admin.register(Backbone)
class BackboneAdmin(ReadOnlyAdmin):
    """Which one is the default."""

    list_display = ("name", "is_default", "uri", "digest", "num_bytes", "created_at")
    ordering = ("-created_at",)


@admin.register(Domain)
class DomainAdmin(ReadOnlyAdmin):
    """Shared ones have no tenant."""

    list_display = ("slug", "tenant", "name", "created_at")
    list_select_related = ("tenant",)
    search_fields = ("slug", "tenant__slug")
    ordering = ("slug",)


@admin.register(Segment)
class SegmentAdmin(ReadOnlyAdmin):
    """What datasets contributed."""

    list_display = ("id", "tenant", "domain", "dataset_id", "num_bytes", "digest", "created_at")
    list_select_related = ("tenant", "domain")
    search_fields = ("tenant__slug", "digest")
    ordering = ("-created_at",)


@admin.register(TreeVersion)
class TreeVersionAdmin(ReadOnlyAdmin):
    """Published trees."""

    list_display = ("domain", "tenant", "uri", "digest", "num_bytes", "created_at")
    list_select_related = ("domain", "tenant")
    search_fields = ("domain__slug", "tenant__slug", "digest")
    ordering = ("-created_at",)


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    """Every tenant's tasks."""

    list_display = ("slug", "tenant", "name", "kind", "domain", "created_at")
    list_select_related = ("tenant", "domain")
    search_fields = ("slug", "tenant__slug")
    ordering = ("tenant__slug", "slug")


@admin.register(AdapterVersion)
class AdapterVersionAdmin(ReadOnlyAdmin):
    """Every task's versions."""

    list_display = ("task", "number", "tenant", "state", "num_bytes", "bundle_digest", "created_at")
    list_select_related = ("task", "tenant")
    search_fields = ("task__slug", "tenant__slug", "bundle_digest")
    ordering = ("-created_at",)
