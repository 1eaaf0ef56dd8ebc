"""Django's name for this app."""

from django.apps import AppConfig


class UsageConfig(AppConfig):
    """See module."""

    name = "portal.usage"
    label = "usage"
