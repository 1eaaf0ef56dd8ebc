"""Usage, and what tenants may use, in the operator's console."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.common.console import OperatorAdmin, TenantNamingAdmin
from portal.tenants.actors import actor_of_user
from portal.tenants.models import User
from portal.usage.models import Plan, TenantLimits, UsageDay
from portal.usage.services import plan_make_default, plan_save, tenant_limits_save


@admin.register(UsageDay)
class UsageDayAdmin(TenantNamingAdmin):
    """Newest first."""

    list_display = ("day", "tenant", "task_id", "key_id", "num_requests", "num_texts", "num_tokens")
    search_fields = ("tenant_id", "tenant_slug", "task_id")
    ordering = ("-day",)


@admin.register(Plan)
class PlanAdmin(OperatorAdmin):
    """What tenants may use by default."""

    actions = ("make_default",)
    list_display = (
        "name",
        "is_default",
        "weight",
        "requests_per_s",
        "quota_period",
        "quota_texts",
        "quota_tokens",
        "max_stored_bytes",
    )
    ordering = ("slug",)

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        """A plan keeps its slug: with another one it would be another plan."""
        return ("is_default",) if obj is None else ("is_default", "slug")

    def save_model(self, request: HttpRequest, obj: Plan, form: Any, change: bool) -> None:
        """With a line in the audit log."""
        assert isinstance(request.user, User)
        plan_save(plan=obj, acting=actor_of_user(request.user))

    @admin.action(description="Make this the default plan")
    def make_default(self, request: HttpRequest, queryset: "QuerySet[Plan]") -> None:
        """Of exactly one plan."""
        assert isinstance(request.user, User)
        chosen = list(queryset)
        if len(chosen) != 1:
            messages.warning(request, "Choose one plan.")
            return
        plan_make_default(plan=chosen[0], acting=actor_of_user(request.user))
        messages.success(request, f"{chosen[0].name} is the default plan.")


@admin.register(TenantLimits)
class TenantLimitsAdmin(OperatorAdmin):
    """What is different for single tenants."""

    list_display = (
        "tenant",
        "plan",
        "weight",
        "requests_per_s",
        "quota_texts",
        "quota_tokens",
        "max_stored_bytes",
    )
    list_select_related = ("tenant", "plan")
    search_fields = ("tenant__slug",)
    ordering = ("tenant__slug",)
    autocomplete_fields = ("tenant",)

    def get_readonly_fields(self, request: HttpRequest, obj: TenantLimits | None = None) -> tuple[str, ...]:
        """Limits stay their tenant's: with another one they would take the place of that one's."""
        return () if obj is None else ("tenant",)

    def save_model(self, request: HttpRequest, obj: TenantLimits, form: Any, change: bool) -> None:
        """With a line in the audit log."""
        assert isinstance(request.user, User)
        tenant_limits_save(limits=obj, acting=actor_of_user(request.user))
