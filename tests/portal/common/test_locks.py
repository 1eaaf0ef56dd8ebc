"""Locks of a database session."""

import psycopg
import pytest
from django.db import connection

from portal.common.locks import session_lock
from tests.conftest import DatabaseUrls

pytestmark = pytest.mark.database


def test_one_session_alone_has_the_lock_and_gives_it_back(db: None, database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.portal, autocommit=True) as other:
        with session_lock(7) as is_alone:
            assert is_alone
            assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (False,)
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)
        with session_lock(7) as is_alone:
            assert not is_alone
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
