"""Reading webhooks and their deliveries."""

from uuid import UUID

from django.db.models import QuerySet

from portal.common.errors import NotFound
from portal.tenants.models import Tenant
from portal.webhooks.models import Webhook, WebhookDelivery


def webhook_list(*, tenant: Tenant) -> QuerySet[Webhook]:
    """The tenant's webhooks, oldest first."""
    return Webhook.objects.for_tenant(tenant).order_by("created_at", "id")


def webhook_get(*, tenant: Tenant, webhook_id: UUID) -> Webhook:
    """One of them; NotFound."""
    found = Webhook.objects.for_tenant(tenant).select_related("tenant").filter(pk=webhook_id).first()
    if found is None:
        raise NotFound("webhook")
    return found


def delivery_list(*, webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """What was sent to the webhook or will be, newest event first, events loaded."""
    deliveries = WebhookDelivery.objects.for_tenant(webhook.tenant).filter(webhook=webhook)
    return deliveries.select_related("event").order_by("-event_id", "-created_at")


def delivery_get(*, webhook: Webhook, delivery_id: UUID) -> WebhookDelivery:
    """One of them; NotFound."""
    found = delivery_list(webhook=webhook).filter(pk=delivery_id).first()
    if found is None:
        raise NotFound("delivery")
    return found
