"""Django's migrate, one at a time on a database: of several that start at once the others find it done."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK = 0x686D692D7461626C


class Command(migrate.Command):
    """Waits for one that is at work; the lock ends with its holder's session."""

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        try:
            super().handle(*args, **options)
        finally:
            with connections[options["database"]].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
