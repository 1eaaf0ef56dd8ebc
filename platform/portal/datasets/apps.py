"""Django's name for this app."""

from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    """See module."""

    name = "portal.datasets"
    label = "datasets"
