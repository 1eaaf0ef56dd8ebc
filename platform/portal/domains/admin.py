"""Updates, consents and the deletion ledger in the operator's console, and the operator's buttons."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.catalog.admin import DomainAdmin
from portal.catalog.models import Domain
from portal.common.console import ReadOnlyAdmin
from portal.common.errors import PortalError
from portal.domains.models import Contribution, DeletionRecord, DomainJob, TenantVerification
from portal.domains.services import domain_bring_back_request, domain_update_request, tenant_verify
from portal.tenants.actors import actor_of_user
from portal.tenants.admin import TenantAdmin
from portal.tenants.models import Tenant, User

# Shown by the apps below; here they get their buttons.
admin.site.unregister(Domain)
admin.site.unregister(Tenant)


@admin.register(Domain)
class DomainUpdateAdmin(DomainAdmin):
    """With buttons that update and bring back."""

    actions = ["update_now", "bring_back"]

    @admin.action(description="Update now: make the tree anew from all segments")
    def update_now(self, request: HttpRequest, queryset: "QuerySet[Domain]") -> None:
        """Queue an update of each."""
        assert isinstance(request.user, User)
        for domain in queryset.exclude(tenant=None, slug="general"):
            try:
                domain_update_request(domain=domain, acting=actor_of_user(request.user))
            except PortalError as exc:
                messages.warning(request, f"{domain.slug}: {exc.message}")
            else:
                messages.success(request, f"{domain.slug}: the update is queued.")

    @admin.action(description="Bring back the tree before the newest, for a week")
    def bring_back(self, request: HttpRequest, queryset: "QuerySet[Domain]") -> None:
        """Queue it for each."""
        assert isinstance(request.user, User)
        for domain in queryset:
            try:
                domain_bring_back_request(domain=domain, acting=actor_of_user(request.user))
            except PortalError as exc:
                messages.warning(request, f"{domain.slug}: {exc.message}")
            else:
                messages.success(request, f"{domain.slug}: going back is queued.")


@admin.register(Tenant)
class TenantVerifyAdmin(TenantAdmin):
    """With a button that verifies."""

    actions = ["verify"]

    @admin.action(description="Verify: counts for the k-tenant rule of shared domains")
    def verify(self, request: HttpRequest, queryset: "QuerySet[Tenant]") -> None:
        """Note that the operator knows each."""
        assert isinstance(request.user, User)
        for tenant in queryset:
            tenant_verify(tenant=tenant, acting=actor_of_user(request.user))
            messages.success(request, f"{tenant.slug} is verified.")


@admin.register(DomainJob)
class DomainJobAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = (
        "id",
        "does",
        "domain",
        "tenant",
        "state",
        "message",
        "attempt",
        "created_at",
        "finished_at",
    )
    list_select_related = ("domain", "tenant")
    list_filter = ("does", "state")
    search_fields = ("domain__slug", "tenant__slug")
    ordering = ("-created_at",)


@admin.register(Contribution)
class ContributionAdmin(ReadOnlyAdmin):
    """Who lets what enter which shared domain."""

    list_display = (
        "domain",
        "tenant",
        "dataset_id",
        "granted_by",
        "created_at",
        "revoked_at",
        "private_share",
    )
    list_select_related = ("domain", "tenant")
    search_fields = ("domain__slug", "tenant__slug")
    ordering = ("-created_at",)


@admin.register(TenantVerification)
class TenantVerificationAdmin(ReadOnlyAdmin):
    """Tenants that count for the k-tenant rule."""

    list_display = ("tenant", "verified_by", "created_at")
    list_select_related = ("tenant",)
    ordering = ("-created_at",)


@admin.register(DeletionRecord)
class DeletionRecordAdmin(ReadOnlyAdmin):
    """The ledger; replayed after a restore."""

    list_display = ("id", "subject", "subject_id", "tenant_id", "deleted_at", "forgotten_at")
    list_filter = ("subject",)
    ordering = ("-deleted_at",)
