"""Users, tenants, members and keys in the operator's console."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.tenants.models import ApiKey, Invitation, Membership, Tenant, User


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """Without password hashes."""

    fields = ("id", "email", "name", "is_active", "is_staff", "created_at", "last_login")
    list_display = ("email", "name", "is_active", "is_staff", "created_at", "last_login")
    list_filter = ("is_staff", "is_active")
    search_fields = ("email", "name")
    ordering = ("email",)


@admin.register(Tenant)
class TenantAdmin(ReadOnlyAdmin):
    """By slug."""

    list_display = ("slug", "name", "is_active", "created_at")
    list_filter = ("is_active",)
    search_fields = ("slug", "name")
    ordering = ("slug",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who belongs where."""

    list_display = ("tenant", "user", "role", "created_at")
    list_select_related = ("tenant", "user")
    list_filter = ("role",)
    search_fields = ("tenant__slug", "user__email")
    ordering = ("tenant__slug", "user__email")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Open ones, without hashes."""

    fields = ("id", "tenant", "email", "role", "invited_by", "created_at", "expires_at")
    list_display = ("tenant", "email", "role", "invited_by", "created_at", "expires_at")
    list_select_related = ("tenant", "invited_by")
    list_filter = ("role",)
    search_fields = ("tenant__slug", "email")
    ordering = ("-created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Without hashes."""

    fields = ("id", "tenant", "name", "prefix", "scopes", "kind", "created_at", "expires_at", "revoked_at")
    list_display = ("prefix", "tenant", "name", "kind", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("tenant",)
    list_filter = ("kind",)
    search_fields = ("prefix", "name", "tenant__slug")
    ordering = ("-created_at",)
