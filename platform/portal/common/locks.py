"""Locks of the database, which end with its sessions at the latest: a worker that dies leaves none behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, models

from portal.common.errors import NotFound
from portal.common.models import TenantOwned

T = TypeVar("T", bound=TenantOwned)


def row_lock(row: T, what: str) -> T:
    """``row`` as it stands now, and stays until the commit: two changes at once are made one after the other.
    Raises NotFound, which names ``what`` is gone."""
    rows = type(row).objects.for_tenant(row.tenant).select_for_update(of=("self",))
    found = rows.select_related("tenant").filter(pk=row.pk).first()
    if found is None:
        raise NotFound(what)
    return found


def count_lock(owner: models.Model, what: str) -> None:
    """Until the commit nobody else counts ``what`` of ``owner``: for limits, to be taken before the count. Of
    two at once the second counts what the first has made."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s), hashtext(%s))", [what, str(owner.pk)])


@contextmanager
def session_lock(key: int) -> Iterator[bool]:
    """Whether this session got the lock of ``key`` (taken modulo 2^63); it never waits for it."""
    bounded = key % (1 << 63)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [bounded])
        (is_alone,) = cursor.fetchone()
    try:
        yield is_alone
    finally:
        if is_alone:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [bounded])
