"""Parts of the operator's console that all apps share: its scope, lists to read, and lists to change."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.apps import apps
from django.contrib import admin
from django.db import models
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from portal.common.errors import PortalError
from portal.common.exception_handler import answer
from portal.common.models import TenantManager
from portal.common.scope import operator_scope
from wire.errors import ErrorCode

M = TypeVar("M", bound=models.Model)
CONSOLE_PATH = "/admin/"


class OperatorScopeMiddleware:
    """Gives requests of staff under /admin/ a transaction that sees every tenant, and refuses a NUL in an
    address: Django's filters let it through, and PostgreSQL takes it in no text."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(CONSOLE_PATH) and request.user.is_active and request.user.is_staff:
            if "%00" in request.get_full_path():
                return answer(
                    PortalError("The address has a NUL (%00): take it out.", code=ErrorCode.INVALID_FIELD)
                )
            with operator_scope():
                return self.get_response(request)
        return self.get_response(request)


class _StaffAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Staff see it, whatever Django's own permissions say; nobody deletes."""

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Staff."""
        return bool(request.user.is_active and request.user.is_staff)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Staff."""
        return self.has_view_permission(request)


class ReadOnlyAdmin(_StaffAdmin):
    """A list that can be searched and opened, and not changed."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """Every tenant's rows: the request is in the operator's scope."""
        manager = self.model._default_manager
        rows = manager.unscoped() if isinstance(manager, TenantManager) else manager.get_queryset()
        return rows.order_by(*self.get_ordering(request))

    def get_fields(self, request: HttpRequest, obj: object | None = None) -> Any:
        """``fields`` when the class names them, else all."""
        return self.fields or [field.name for field in self.model._meta.fields]

    def get_readonly_fields(self, request: HttpRequest, obj: object | None = None) -> Any:
        """All of them: no form is built, whose choices would list other rows."""
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


class TenantNamingAdmin(ReadOnlyAdmin):
    """A list of rows that keep their tenant's id without a foreign key; its column ``tenant`` leads there."""

    def get_queryset(self, request: HttpRequest) -> Any:
        """With ``tenant_slug``; None: the row is of no tenant, or the tenant is gone."""
        tenants = apps.get_model("tenants", "Tenant")._default_manager.filter(pk=OuterRef("tenant_id"))
        return super().get_queryset(request).annotate(tenant_slug=Subquery(tenants.values("slug")[:1]))

    @admin.display(ordering="tenant_slug", empty_value="-")
    def tenant(self, row: Any) -> str | None:
        """By its slug; one that is gone by the id that is left of it."""
        if row.tenant_slug is None:
            return None if row.tenant_id is None else str(row.tenant_id)
        page = reverse("admin:tenants_tenant_change", args=[row.tenant_id])
        return format_html('<a href="{}">{}</a>', page, row.tenant_slug)


class OperatorAdmin(_StaffAdmin):
    """What the operator sets: staff add and change it, nobody deletes. ``save_model`` calls a service."""

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Staff."""
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Staff."""
        return self.has_view_permission(request)
