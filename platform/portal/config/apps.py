"""Makes the installation's Celery application the current one as soon as Django is set up."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """See module."""

    name = "portal.config"
    label = "config"

    def ready(self) -> None:
        from portal.config.celery import app  # needs the settings, which are complete only now

        app.set_default()
