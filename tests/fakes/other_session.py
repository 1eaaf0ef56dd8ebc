"""Something that is done in another session of the database, which may have to wait for the test's own."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
_WAITS_FOR_US = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
)


def begun_beside(pool: ThreadPoolExecutor, does: Callable[[], T]) -> Future[T]:
    """``does``, on a thread and in a session of its own: it has ended now, or waits for a lock of ours."""

    def alone() -> T:
        try:
            return does()
        finally:
            connection.close()

    begun = pool.submit(alone)
    while not begun.done() and not _somebody_waits_for_us():
        time.sleep(0.01)  # another session cannot be waited for otherwise
    return begun


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITS_FOR_US)
        return bool(cursor.fetchone()[0])
