"""Django's name for this app."""

from django.apps import AppConfig


class DomainsConfig(AppConfig):
    """See module."""

    name = "portal.domains"
    label = "domains"
