"""Django's name for this app."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """See module."""

    name = "portal.tenants"
    label = "tenants"

    def ready(self) -> None:
        """See Django."""
        from portal.tenants import account_audit  # models are there only now

        account_audit.connect()
