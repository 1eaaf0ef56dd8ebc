"""Django's name for this app."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """See module."""

    name = "portal.catalog"
    label = "catalog"
