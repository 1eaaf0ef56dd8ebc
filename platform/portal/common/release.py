"""Whether a database's tables are a newer release's than this one."""

from functools import cache

from django.apps import apps
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


def newer_migrations(alias: str) -> list[str]:
    """Those of ours that the database has seen and this release does not have, as app.name."""
    applied = MigrationRecorder(connections[alias]).applied_migrations()
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("portal.")}
    return sorted(f"{app}.{name}" for app, name in applied.keys() - known_migrations() if app in ours)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """That stand on the disk when this is first asked: another release may come to stand there later."""
    return frozenset(MigrationLoader(None).disk_migrations)
