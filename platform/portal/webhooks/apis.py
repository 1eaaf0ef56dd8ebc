"""REST views of webhooks and their deliveries."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from portal.common.fields import ChoiceField
from portal.common.pagination import paged
from portal.common.schema import PAGE_PARAMETERS, page_of
from portal.tenants.access import DEVELOPER_DELETES, TenantApi
from portal.webhooks import selectors, services
from portal.webhooks.models import DeliveryState, EventType
from portal.webhooks.services import WebhookChange

SUBSCRIBABLE = [(event.value, event.value) for event in EventType if event is not EventType.PING]


class WebhookOut(serializers.Serializer[Any]):
    """A webhook, without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    url = serializers.CharField()
    events = serializers.ListField(child=ChoiceField(choices=SUBSCRIBABLE))
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    old_ends_at = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before the last rotation signs too."
    )


class NewWebhookOut(WebhookOut):
    """A webhook with its signing secret, which is never shown again."""

    secret = serializers.CharField(help_text="whsec_ and 256 bits in base64.")


class WebhookIn(serializers.Serializer[Any]):
    """A new webhook."""

    name = serializers.CharField(max_length=200)
    url = serializers.CharField(max_length=2000, help_text="https, to a public address.")
    events = serializers.ListField(child=ChoiceField(choices=SUBSCRIBABLE), allow_empty=False)


class WebhookChangeIn(serializers.Serializer[Any]):
    """What is to be changed."""

    name = serializers.CharField(max_length=200, required=False)
    url = serializers.CharField(max_length=2000, required=False)
    events = serializers.ListField(child=ChoiceField(choices=SUBSCRIBABLE), allow_empty=False, required=False)
    is_active = serializers.BooleanField(required=False, help_text="False: paused.")


class DeliveryOut(serializers.Serializer[Any]):
    """One event on its way to the webhook."""

    id = serializers.UUIDField()
    event_id = serializers.UUIDField(
        source="event.uid", help_text="The header webhook-id; a replay keeps it."
    )
    type = ChoiceField(source="event.type", choices=EventType.choices)
    state = ChoiceField(choices=DeliveryState.choices)
    num_attempts = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="HTTP status of the last attempt.")
    error = serializers.CharField(help_text="Why the last attempt failed; empty when it did not.")
    duration_ms = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    last_attempt_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.DateTimeField(help_text="While it is pending.")
    delivered_at = serializers.DateTimeField(allow_null=True)


class DeliveryDetailOut(DeliveryOut):
    """The same with what the event says."""

    payload = serializers.JSONField(source="event.data", help_text="What the event's `data` says.")


class DeliveryQueryIn(serializers.Serializer[Any]):
    """Which deliveries."""

    state = ChoiceField(choices=DeliveryState.choices, required=False)
    type = ChoiceField(choices=EventType.choices, required=False)


class WebhooksApi(TenantApi):
    """Webhooks."""

    @extend_schema(responses=page_of(WebhookOut), parameters=PAGE_PARAMETERS)
    def get(self, request: Request, tenant: str) -> Response:
        """List webhooks."""
        return paged(request, selectors.webhook_list(tenant=self.tenant), WebhookOut)

    @extend_schema(request=WebhookIn, responses={201: NewWebhookOut})
    def post(self, request: Request, tenant: str) -> Response:
        """Make a webhook. Its signing secret is in this answer alone."""
        given = WebhookIn(data=request.data)
        given.is_valid(raise_exception=True)
        new = services.webhook_create(
            tenant=self.tenant,
            name=given.validated_data["name"],
            url=given.validated_data["url"],
            events=[EventType(event) for event in given.validated_data["events"]],
            is_private_allowed=settings.ENV.webhooks_private,
            acting=self.actor,
        )
        return Response({**WebhookOut(new.webhook).data, "secret": new.secret}, status=201)


class WebhookApi(TenantApi):
    """One webhook."""

    write_roles = DEVELOPER_DELETES

    @extend_schema(responses=WebhookOut)
    def get(self, request: Request, tenant: str, webhook: Any) -> Response:
        """The webhook."""
        return Response(WebhookOut(selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)).data)

    @extend_schema(request=WebhookChangeIn, responses=WebhookOut)
    def patch(self, request: Request, tenant: str, webhook: Any) -> Response:
        """Change its name, address or events, pause it, or switch it on again."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        given = WebhookChangeIn(data=request.data)
        given.is_valid(raise_exception=True)
        events = given.validated_data.pop("events", None)
        changed = services.webhook_change(
            webhook=found,
            change=WebhookChange(
                events=[EventType(event) for event in events] if events is not None else None,
                **given.validated_data,
            ),
            is_private_allowed=settings.ENV.webhooks_private,
            acting=self.actor,
        )
        return Response(WebhookOut(changed).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, tenant: str, webhook: Any) -> Response:
        """Delete it, with its deliveries."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        services.webhook_delete(webhook=found, acting=self.actor)
        return Response(status=204)


class WebhookRotateApi(TenantApi):
    """Rotation of a webhook's secret."""

    @extend_schema(request=None, responses={201: NewWebhookOut})
    def post(self, request: Request, tenant: str, webhook: Any) -> Response:
        """Make a new secret, shown in this answer alone; for 24 hours the old one signs too."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        new = services.webhook_rotate(webhook=found, acting=self.actor)
        return Response({**WebhookOut(new.webhook).data, "secret": new.secret}, status=201)


class WebhookPingApi(TenantApi):
    """Trying a webhook out."""

    @extend_schema(request=None, responses={201: DeliveryOut})
    def post(self, request: Request, tenant: str, webhook: Any) -> Response:
        """Send an event of type ``ping``; its delivery tells what came of it."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        delivery = services.webhook_ping(webhook=found, acting=self.actor)
        return Response(DeliveryOut(delivery).data, status=201)


class DeliveriesApi(TenantApi):
    """Deliveries to a webhook."""

    @extend_schema(
        operation_id="tenants_webhooks_deliveries_get",
        responses=page_of(DeliveryOut),
        parameters=[*PAGE_PARAMETERS, DeliveryQueryIn],
    )
    def get(self, request: Request, tenant: str, webhook: Any) -> Response:
        """List deliveries of the last 30 days, newest event first."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        query = DeliveryQueryIn(data=request.query_params)
        query.is_valid(raise_exception=True)
        deliveries = selectors.delivery_list(webhook=found)
        if "state" in query.validated_data:
            deliveries = deliveries.filter(state=query.validated_data["state"])
        if "type" in query.validated_data:
            deliveries = deliveries.filter(event__type=query.validated_data["type"])
        return paged(request, deliveries, DeliveryOut)


class DeliveryApi(TenantApi):
    """One delivery."""

    @extend_schema(responses=DeliveryDetailOut)
    def get(self, request: Request, tenant: str, webhook: Any, delivery: Any) -> Response:
        """The delivery with what its event says."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        one = selectors.delivery_get(webhook=found, delivery_id=delivery)
        return Response(DeliveryDetailOut(one).data)


class DeliveryReplayApi(TenantApi):
    """Sending an event again."""

    @extend_schema(request=None, responses={200: DeliveryOut, 201: DeliveryOut})
    def post(self, request: Request, tenant: str, webhook: Any, delivery: Any) -> Response:
        """Send the event once more (201); of a delivery that is pending, try that one now (200)."""
        found = selectors.webhook_get(tenant=self.tenant, webhook_id=webhook)
        one = selectors.delivery_get(webhook=found, delivery_id=delivery)
        again = services.delivery_replay(delivery=one, webhook=found, acting=self.actor)
        return Response(DeliveryOut(again).data, status=200 if again.pk == one.pk else 201)
