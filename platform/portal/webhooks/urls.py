"""Addresses under /api/v1/tenants/{tenant}/."""

from django.urls import path

from portal.webhooks import apis

_ONE = "webhooks/<uuid:webhook>"

urlpatterns = [
    path("webhooks", apis.WebhooksApi.as_view()),
    path(_ONE, apis.WebhookApi.as_view()),
    path(f"{_ONE}/rotate", apis.WebhookRotateApi.as_view()),
    path(f"{_ONE}/ping", apis.WebhookPingApi.as_view()),
    path(f"{_ONE}/deliveries", apis.DeliveriesApi.as_view()),
    path(f"{_ONE}/deliveries/<uuid:delivery>", apis.DeliveryApi.as_view()),
    path(f"{_ONE}/deliveries/<uuid:delivery>/replay", apis.DeliveryReplayApi.as_view()),
]
