"""Django's name for the parts that all apps share."""

from django.apps import AppConfig


class CommonConfig(AppConfig):
    """See module."""

    name = "portal.common"
    label = "common"
