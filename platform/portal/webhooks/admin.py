"""Webhooks and their deliveries in the operator's console."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.webhooks.models import Webhook, WebhookDelivery


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    """Without secrets."""

    fields = ("id", "tenant", "name", "url", "events", "is_active", "created_at", "old_ends_at")
    list_display = ("tenant", "name", "url", "is_active", "created_at")
    list_select_related = ("tenant",)
    list_filter = ("is_active",)
    search_fields = ("tenant__slug", "name", "url")
    ordering = ("tenant__slug", "created_at")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("created_at", "tenant", "webhook", "state", "num_attempts", "status", "error")
    list_select_related = ("tenant", "webhook")
    list_filter = ("state",)
    search_fields = ("tenant__slug",)
    ordering = ("-created_at",)
