"""Tells one state of the installation's database from another: of a restored dump no step is done yet."""

import psycopg

from portal.local.steps import digest

_PLACE = (
    "SELECT oid, to_regclass('public.django_migrations')::oid FROM pg_database"
    " WHERE datname = current_database()"
)
_APPLIED = "SELECT app, name, applied::text FROM django_migrations ORDER BY id"


def database_identity(url: str) -> str:
    """Of the database at ``url`` and the migrations that it has seen: restored, even in place, it is another
    one. "" where there is none, or none that can be read."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            place = connection.execute(_PLACE).fetchone()
            if place is None or place[1] is None:
                return ""
            applied = connection.execute(_APPLIED).fetchall()
    except psycopg.Error:
        return ""
    return digest(*map(str, place), *(str(row) for row in applied))
