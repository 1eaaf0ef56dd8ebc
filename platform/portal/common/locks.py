"""Locks that are held by a database session, and end with it: a worker that dies leaves none behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


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
