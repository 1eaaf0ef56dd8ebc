"""Locks of a database session, and of rows."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from portal.catalog.models import Task
from portal.common.errors import NotFound
from portal.common.locks import row_lock, session_lock
from portal.common.scope import tenant_scope
from tests.conftest import DatabaseUrls
from tests.fakes.other_session import begun_beside
from tests.fakes.portal import Cast, make_task

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


@pytest.mark.django_db(transaction=True)
def test_of_two_who_lock_a_row_the_second_sees_what_the_first_has_done(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)

    def second() -> str:
        with tenant_scope(cast.acme.tenant.pk):
            return row_lock(task, "task").name

    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(cast.acme.tenant.pk):
            mine = row_lock(task, "task")
            mine.name = "changed meanwhile"
            mine.save()
            begun = begun_beside(pool, second)
            assert not begun.done()
        assert begun.result() == "changed meanwhile"


def test_a_row_that_is_gone_is_named(cast: Cast) -> None:
    task = make_task(cast.acme.tenant)
    with tenant_scope(cast.acme.tenant.pk):
        Task.objects.for_tenant(cast.acme.tenant).delete()
        with pytest.raises(NotFound, match="no such task"):
            row_lock(task, "task")
