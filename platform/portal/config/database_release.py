"""Keeps an older release off the tables of a newer one: a check that `manage.py migrate` runs first."""

from collections.abc import Sequence

from django.apps import apps
from django.core.checks import CheckMessage, Error
from django.db import connections
from django.db.migrations.loader import MigrationLoader


def tables_are_not_newer(*, databases: Sequence[str] | None, **_: object) -> list[CheckMessage]:
    """An error that names the migrations of ours that a database has seen and this release does not have."""
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("portal.")}
    found: list[CheckMessage] = []
    for alias in databases or ():
        loader = MigrationLoader(connections[alias])
        unknown = sorted(
            f"{app}.{name}"
            for app, name in loader.applied_migrations.keys() - loader.disk_migrations.keys()
            if app in ours
        )
        if unknown:
            hint = "Take that release again, or restore a backup that was made before it."
            message = f"The tables are a newer release's, which this one does not know: {', '.join(unknown)}."
            found.append(Error(message, hint=hint, id="hmi.E001"))
    return found
