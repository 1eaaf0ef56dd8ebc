"""The set-up's steps, each with a real database."""

import io
import os
import threading

import psycopg
import pytest

from portal.local.console import Console
from portal.local.database_identity import database_identity
from portal.local.environment import OPERATOR_EMAIL, build_environments
from portal.local.folders import Folders
from portal.local.installation import Installation
from portal.local.options import UpOptions
from portal.local.ports import LOOPBACK, Ports
from portal.local.programs import build_programs
from portal.local.secrets import load_secrets
from portal.local.steps import StepRunner, python
from portal.local.supervisor import Supervisor
from tests.fakes.ports import free_ports

pytestmark = pytest.mark.slow


def test_an_older_database_that_was_restored_is_brought_up_to_date(folders: Folders) -> None:
    folders.make()
    ports, secrets, stop = Ports(free_ports(5)), load_secrets(folders.secrets), threading.Event()
    environments = build_environments(
        folders=folders, ports=ports, host=LOOPBACK, secrets=secrets, inherited=os.environ
    )
    programs = build_programs(
        folders=folders, ports=ports, host=LOOPBACK, secrets=secrets, environments=environments
    )
    supervisor = Supervisor(on_change=lambda rows: None, on_failure=lambda message: None)
    shown = io.StringIO()
    console = Console(shown)
    installation = Installation(
        options=UpOptions(folders, ports, LOOPBACK, with_demo=False, num_lower=""),
        programs=programs,
        environments=environments,
        secrets=secrets,
        supervisor=supervisor,
        console=console,
        stop=stop,
    )
    steps = StepRunner(console, stop, folders.logs)
    owner = environments.database_owner["HMI_DATABASE_OWNER_URL"]
    try:
        supervisor.start(programs.postgres).result(60)
        steps.run("roles", python("manage.py", "database_prepare"), environments.database_preparation)
        older = ("migrate", "usage", "0008", "--database", "owner", "--no-input")
        steps.run("older tables", python("manage.py", *older), environments.database_owner)
        admin = environments.database_preparation["HMI_DATABASE_ADMIN_URL"]
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE DATABASE backup TEMPLATE hmi OWNER hmi_owner")
        installation.prepare_database()
        up_to_date = state(owner)

        shown.truncate(0)
        installation.prepare_database()
        assert shown.getvalue() == "", "nothing is done twice"

        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("DROP DATABASE hmi WITH (FORCE)")
            connection.execute("ALTER DATABASE backup RENAME TO hmi")
        installation.prepare_database()
        assert state(owner) == up_to_date

        before = database_identity(owner)
        with psycopg.connect(owner) as connection:  # as a restore with --clean does
            connection.execute("ALTER TABLE django_migrations RENAME TO dropped")
            connection.execute("CREATE TABLE django_migrations AS TABLE dropped")
        assert database_identity(owner) not in ("", before)
    finally:
        supervisor.close()


def state(url: str) -> tuple[set[tuple[str, str]], int]:
    """The migrations that the database has seen, and how many operators it knows."""
    with psycopg.connect(url) as connection:
        applied = set(connection.execute("SELECT app, name FROM django_migrations").fetchall())
        operators = connection.execute("SELECT FROM hmi_user WHERE email = %s", [OPERATOR_EMAIL])
        return applied, operators.rowcount
