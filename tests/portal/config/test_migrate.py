"""Bringing the tables up to date."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

from portal.config.management.commands.migrate import LOCK
from tests.conftest import ROOT, DatabaseUrls

PATIENCE_S = 120.0


@pytest.mark.database
def test_of_several_at_once_one_is_at_work_and_the_others_find_it_done(database_urls: DatabaseUrls) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HMI_")},
        **database_urls.environment(),
        "HMI_SECRET_KEY": "only-for-tests",
    }
    with psycopg.connect(database_urls.owner, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        migrating = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "migrate", "--database", "owner"],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        ends_at = time.monotonic() + PATIENCE_S
        while not _waits(other):
            assert migrating.poll() is None, "it has not waited"
            assert time.monotonic() < ends_at
            time.sleep(0.05)  # polling another process: there is nothing to wait on
    said, _ = migrating.communicate(timeout=PATIENCE_S)
    assert (migrating.returncode, "No migrations to apply" in said) == (0, True), said


def _waits(connection: psycopg.Connection) -> bool:
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    return connection.execute(waiting).fetchone() is not None
