"""Django's name for this app."""

from django.apps import AppConfig


class TrainingConfig(AppConfig):
    """See module."""

    name = "portal.training"
    label = "training"
