"""Django's name for this app."""

from django.apps import AppConfig


class ServingConfig(AppConfig):
    """See module."""

    name = "portal.serving"
    label = "serving"
