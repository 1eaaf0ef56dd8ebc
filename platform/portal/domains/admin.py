"""Updates, consents and the deletion ledger in the operator's console, and the operator's buttons."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.widgets import UnfoldAdminSelectWidget

from portal.catalog.admin import DomainAdmin
from portal.catalog.models import GENERAL_DOMAIN, Domain, TreeVersion
from portal.catalog.services import shared_domain_change, shared_domain_create
from portal.common.console import ReadOnlyAdmin
from portal.common.errors import PortalError
from portal.domains.models import Contribution, DeletionRecord, DomainJob, TenantVerification
from portal.domains.selectors import shared_domain_use
from portal.domains.services import domain_bring_back_request, domain_update_request, tenant_verify
from portal.tenants.actors import actor_of_user
from portal.tenants.admin import TenantAdmin
from portal.tenants.models import Tenant, User
from wire.domains import LEAST_TENANTS, MOST_TENANTS

# Shown by the apps below; here they get their buttons.
admin.site.unregister(Domain)
admin.site.unregister(Tenant)


class SharedDomainForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for type checkers alone
    """What the operator says of a shared domain. Its rules are the services'; here a person hears of them."""

    def clean_slug(self) -> str:
        """A slug that a tenant's domain has would hide the new one from that tenant."""
        slug: str = self.cleaned_data["slug"]
        if Domain.objects.unscoped().filter(slug=slug).exists():
            raise forms.ValidationError(f"There is a domain {slug} already: choose another slug.")
        return slug

    def clean_min_tenants(self) -> int:
        """Within the bounds of the wire contract."""
        number: int = self.cleaned_data["min_tenants"]
        if not LEAST_TENANTS <= number <= MOST_TENANTS:
            raise forms.ValidationError(f"Between {LEAST_TENANTS} and {MOST_TENANTS}.")
        return number

    def _post_clean(self) -> None:
        """Without the model's own checks, which ask for rows without saying whose."""
        forms.models.construct_instance(self, self.instance, self._meta.fields, self._meta.exclude)


@admin.register(Domain)
class DomainUpdateAdmin(DomainAdmin):
    """Makes and changes shared domains, shows who uses them, and has buttons that update and bring back."""

    form = SharedDomainForm
    actions = ["update_now", "bring_back"]
    add_fields = ("name", "slug", "parent", "min_tenants")
    shared_fields = ("name", "min_tenants", "slug", "parent", "uses", "given", "own_texts", "last_trees")

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Staff make shared domains; tenants make their own."""
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Of shared domains but the root."""
        return self.has_view_permission(request) and (obj is None or _is_shared(obj))

    def get_fields(self, request: HttpRequest, obj: object | None = None) -> Any:
        """Of a tenant's domain all that there is, to be read."""
        if obj is None:
            return self.add_fields
        return self.shared_fields if _is_shared(obj) else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: object | None = None) -> Any:
        """A slug is what applications call, so it stays."""
        if obj is None:
            return ()
        return self.shared_fields[2:] if _is_shared(obj) else super().get_readonly_fields(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Shared domains stand under shared ones alone. Django's own field asks without saying whose rows."""
        shared = Domain.objects.unscoped().filter(tenant=None).exclude(slug=GENERAL_DOMAIN)
        return forms.ModelChoiceField(
            label=db_field.verbose_name,
            queryset=shared.order_by("slug"),
            required=False,
            empty_label="general",
            widget=UnfoldAdminSelectWidget,
        )

    def save_model(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        """By the services, which keep the audit log."""
        assert isinstance(request.user, User)
        acting = actor_of_user(request.user)
        if change:
            stored = Domain.objects.unscoped().get(pk=obj.pk)
            shared_domain_change(domain=stored, name=obj.name, min_tenants=obj.min_tenants, acting=acting)
            return
        made = shared_domain_create(
            name=obj.name,
            slug=obj.slug,
            parent_slug=None if obj.parent is None else obj.parent.slug,
            min_tenants=obj.min_tenants,
            acting=acting,
        )
        obj.pk = made.pk

    @admin.display(description="Tasks in it, domains below it")
    def uses(self, domain: Domain) -> str:
        """Whose they are comes first."""
        use = shared_domain_use(domain)
        return _lines([*use.tasks, *use.domains_below])

    @admin.display(description="Contributions")
    def given(self, domain: Domain) -> str:
        """Datasets of which a consent stands, and what of their tenants' n-grams stayed out."""
        return _lines(
            f"{one.tenant.slug}: {one.dataset.name}, since {one.created_at:%Y-%m-%d}"
            + ("" if one.private_share is None else f", {one.private_share:.0%} stayed private")
            for one in shared_domain_use(domain).contributions
        )

    @admin.display(description="Your own text (manage domains add-text)")
    def own_texts(self, domain: Domain) -> str:
        """Segments that the rule of tenants does not hold back."""
        return _lines(
            f"{one.digest}, {one.created_at:%Y-%m-%d %H:%M}" for one in shared_domain_use(domain).texts
        )

    @admin.display(description="Last trees")
    def last_trees(self, domain: Domain) -> str:
        """Newest first."""
        trees = TreeVersion.objects.unscoped().filter(domain=domain).order_by("-created_at")[:5]
        return _lines(
            f"{tree.digest}, {tree.created_at:%Y-%m-%d %H:%M}, {tree.num_bytes} bytes"
            + ("" if tree.retired_at is None else ", retired")
            for tree in trees
        )

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


def _is_shared(domain: object) -> bool:
    return isinstance(domain, Domain) and domain.tenant_id is None and domain.slug != GENERAL_DOMAIN


def _lines(lines: Iterable[str]) -> str:
    shown = format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines))
    return shown or "none"


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
