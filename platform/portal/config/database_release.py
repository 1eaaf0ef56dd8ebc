"""Keeps programs off tables of another release: `manage.py migrate` off newer ones, the portal off all."""

from collections.abc import Sequence

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError, connection

from portal.common.release import (
    NEWER_HELP,
    known_migrations,
    newer_message,
    newer_migrations,
    tables_problem,
)


def tables_are_not_newer(*, databases: Sequence[str] | None, **_: object) -> list[CheckMessage]:
    """An error that names the migrations of ours that a database has seen and this release does not have:
    a check that `manage.py migrate` runs first."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        unknown = newer_migrations(alias)
        if unknown:
            found.append(Error(newer_message(unknown), hint=NEWER_HELP, id="hmi.E001"))
    return found


def end_on_tables_of_another_release() -> None:
    """Ends the program in one line. A database that does not answer now is judged later, by /readyz."""
    known_migrations()  # while the disk has what runs here
    try:
        problem = tables_problem(connection.alias)
    except DatabaseError:
        return
    finally:
        connection.close()
    if problem:
        raise SystemExit(f"portal: {problem}")
