"""Django's name for this app."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    """See module."""

    name = "portal.webhooks"
    label = "webhooks"
