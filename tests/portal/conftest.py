"""Django for the portal's tests: real PostgreSQL under row-level security, and the cast."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_FOLDER = tempfile.TemporaryDirectory(prefix="hmi-portal-tests-")
for _name in [name for name in os.environ if name.startswith("HMI_")]:
    del os.environ[_name]  # the tests' own settings, whatever the caller's shell has
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        "HMI_SECRET_KEY": "only-for-tests",
        "HMI_STORE_URL": f"file://{_FOLDER.name}/store",
        "HMI_MAIL_URL": f"file://{_FOLDER.name}/mail",
        "HMI_WORK_DIR": f"{_FOLDER.name}/work",
        "HMI_BROKER_URL": "memory://",
        "HMI_PUBLIC_URL": "http://testserver",
        "HMI_LOG_LEVEL": "WARNING",
    }
)

import django  # noqa: E402  (the settings above come first)

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import Argon2PasswordHasher  # noqa: E402
from django.db import connections  # noqa: E402
from pytest_django.plugin import DjangoDbBlocker  # noqa: E402

from portal.config.env import database_config  # noqa: E402
from portal.training import leases  # noqa: E402
from tests.conftest import DatabaseUrls  # noqa: E402
from tests.fakes.portal import Cast, make_cast  # noqa: E402

# Each client of a test starts the middlewares anew: static files are looked for when one is asked for,
# instead of being listed each time.
settings.WHITENOISE_AUTOREFRESH = True

# A test is one transaction, and a busy machine may let it stand for longer than a worker.
leases.MAX_STALL = "10min"

# Hashing a password is meant to be slow; once per sign-in is too slow for tests.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost = 1, 1024


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The marker `database` is what a test of this folder says; Django's own marker follows from it."""
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue  # the hook sees the whole session's tests, and the data plane's have no Django
        if item.get_closest_marker("database") and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db)


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, database_urls: DatabaseUrls
) -> Iterator[None]:
    """Point Django at the session's database instead of making one of its own."""
    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        # Django empties the tables after a test that commits (django_db(transaction=True)).
        owner.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO hmi_portal")
    connections.settings["default"].update(
        {
            name: value
            for name, value in database_config(database_urls.portal).items()
            if name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")
        }
    )
    yield
    with django_db_blocker.unblock():
        connections.close_all()


@pytest.fixture
def cast(db: None) -> Cast:
    """Two tenants, acme and globex, who must never meet, and nobody, who belongs to none."""
    return make_cast()


@pytest.fixture
def store_folder() -> Path:
    """Where HMI_STORE_URL points in tests."""
    return Path(_FOLDER.name) / "store"
