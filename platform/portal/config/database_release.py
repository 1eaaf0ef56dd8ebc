"""Keeps an older release off the tables of a newer one: a check that `manage.py migrate` runs first."""

from collections.abc import Sequence

from django.core.checks import CheckMessage, Error

from portal.common.release import newer_migrations


def tables_are_not_newer(*, databases: Sequence[str] | None, **_: object) -> list[CheckMessage]:
    """An error that names the migrations of ours that a database has seen and this release does not have."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        unknown = newer_migrations(alias)
        if unknown:
            hint = "Take that release again, or restore a backup that was made before it."
            message = f"The tables are a newer release's, which this one does not know: {', '.join(unknown)}."
            found.append(Error(message, hint=hint, id="hmi.E001"))
    return found
