"""What many tests share: one real PostgreSQL a session, prepared and migrated by our own commands."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import settings

from tests.fakes.ports import free_port

# The same examples every time, however slow the machine; --hypothesis-profile=default looks for others.
settings.load_profile("ci")

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "only-for-tests"
DATABASE = "hmi_test"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One migrated database, by role."""

    admin: str
    owner: str
    portal: str
    catalog: str
    usage: str

    def environment(self) -> dict[str, str]:
        """The settings that name it."""
        return {
            "HMI_DATABASE_ADMIN_URL": self.admin,
            "HMI_DATABASE_OWNER_URL": self.owner,
            "HMI_DATABASE_URL": self.portal,
            "HMI_CATALOG_URL": self.catalog,
            "HMI_USAGE_URL": self.usage,
        }


@pytest.fixture(scope="session")
def database_urls() -> Iterator[DatabaseUrls]:
    """A PostgreSQL server with an empty, migrated database; started when the first test asks for it."""
    from portal.local.postgres import PostgresServer
    from tests.fakes.local_server import Running

    # Not pytest's own folder: as root the server runs as another user, to whom that one is closed.
    folder = Path(tempfile.mkdtemp(prefix="hmi-postgres-"))
    folder.chmod(0o755)
    server = PostgresServer(
        folder / "data",
        free_port(),
        PASSWORD,
        settings={"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"},
    )
    running = Running(server)
    try:
        urls = _urls(server.url())
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HMI_")},
            **urls.environment(),
            "HMI_SECRET_KEY": "only-for-tests",
        }
        for command in (["database_prepare"], ["migrate", "--database", "owner", "--verbosity", "0"]):
            subprocess.run(
                [sys.executable, ROOT / "manage.py", *command],
                env=environment,
                cwd=ROOT,
                check=True,
                timeout=280,  # less than a test may take
            )
        yield urls
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _urls(admin: str) -> DatabaseUrls:
    address = urlsplit(admin).netloc.rpartition("@")[2]
    of = {
        role: urlunsplit(("postgresql", f"{role}:{PASSWORD}@{address}", f"/{DATABASE}", "", ""))
        for role in ("hmi_owner", "hmi_portal", "hmi_serving", "hmi_usage")
    }
    return DatabaseUrls(admin, of["hmi_owner"], of["hmi_portal"], of["hmi_serving"], of["hmi_usage"])
