"""Django's name for this app."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """See module."""

    name = "portal.audit"
    label = "audit"
