"""Whether a database's tables are another release's than this one."""

from functools import cache

from django.apps import apps
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

Migrations = frozenset[tuple[str, str]]
NEWER_HELP = "Take that release again, or restore a backup that was made before it."
_OLDER_HELP = "Bring them up to date first: `python manage.py migrate --database owner`, or ./hmi up."


def newer_migrations(alias: str) -> list[str]:
    """Those of ours that the database has seen and this release does not have, as app.name."""
    return _names_of_ours(_applied(alias) - known_migrations())


def tables_problem(alias: str) -> str:
    """What is wrong with the release of a database's tables, and what helps; "" where they are ours."""
    applied = _applied(alias)
    if newer := _names_of_ours(applied - known_migrations()):
        return f"{newer_message(newer)} {NEWER_HELP}"
    if older := _names_of_ours(known_migrations() - applied):
        return f"The tables are an older release's, which lack {', '.join(older)}. {_OLDER_HELP}"
    return ""


def newer_message(migrations: list[str]) -> str:
    """That these are not known here."""
    return f"The tables are a newer release's, which this one does not know: {', '.join(migrations)}."


@cache
def known_migrations() -> Migrations:
    """That stand on the disk when this is first asked: another release may come to stand there later."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _applied(alias: str) -> Migrations:
    return frozenset(MigrationRecorder(connections[alias]).applied_migrations())


def _names_of_ours(migrations: Migrations) -> list[str]:
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("portal.")}
    return sorted(f"{app}.{name}" for app, name in migrations if app in ours)
