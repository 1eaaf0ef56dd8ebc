"""What the installation's Django does as soon as it is set up: Celery is told, a check is added."""

from django.apps import AppConfig
from django.core import checks

from portal.config.database_release import tables_are_not_newer


class ConfigConfig(AppConfig):
    """See module."""

    name = "portal.config"
    label = "config"

    def ready(self) -> None:
        from portal.config.celery import app  # needs the settings, which are complete only now

        app.set_default()
        checks.register(tables_are_not_newer, checks.Tags.database)
