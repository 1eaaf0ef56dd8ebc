"""Makes the database, its four roles and their rights; may run again and again."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
from django.core.management.base import BaseCommand, CommandError
from psycopg import sql
from pydantic import SecretStr

from portal.common.rls import OWNER_ROLE, PORTAL_ROLE, SERVING_ROLE, USAGE_ROLE
from portal.config.env import PortalSettings, read_settings
from wire.connections import VANISHED_CLIENT


@dataclass(frozen=True, slots=True)
class _Login:
    role: str
    password: str
    database: str


class Command(BaseCommand):
    """Reads HMI_DATABASE_ADMIN_URL and the four roles' URLs; a role that exists gets its URL's password."""

    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        settings = read_settings()
        logins = _logins(settings)
        admin_url = _secret("HMI_DATABASE_ADMIN_URL", settings.database_admin_url)
        database = logins[0].database
        try:
            with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
                for login in logins:
                    _make_role(connection, login)
                _make_database(connection, database)
            with psycopg.connect(_at_database(admin_url, database), autocommit=True) as connection:
                _grant(connection, database)
        except psycopg.OperationalError as exc:
            raise CommandError(
                f"the database server of HMI_DATABASE_ADMIN_URL does not answer: {exc}"
            ) from exc
        self.stdout.write(f"database {database} is prepared")


def _logins(settings: PortalSettings) -> list[_Login]:
    urls = {
        OWNER_ROLE: ("HMI_DATABASE_OWNER_URL", settings.database_owner_url),
        PORTAL_ROLE: ("HMI_DATABASE_URL", settings.database_url),
        SERVING_ROLE: ("HMI_CATALOG_URL", settings.catalog_url),
        USAGE_ROLE: ("HMI_USAGE_URL", settings.usage_url),
    }
    logins = []
    for role, (name, url) in urls.items():
        parts = urlsplit(_secret(name, url))
        if unquote(parts.username or "") != role:
            raise CommandError(f"{name} must name the role {role}: the policies of the tables speak of it")
        if not parts.password:
            raise CommandError(f"{name} must have a password")
        logins.append(_Login(role, unquote(parts.password), unquote(parts.path.removeprefix("/"))))
    if len({login.database for login in logins}) != 1 or not logins[0].database:
        raise CommandError("the four database URLs must name one database")
    return logins


def _secret(name: str, value: SecretStr | None) -> str:
    if value is None:
        raise CommandError(f"{name} is not set")
    return value.get_secret_value()


def _at_database(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _make_role(connection: psycopg.Connection, login: _Login) -> None:
    exists = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [login.role]).fetchone()
    verb = sql.SQL("ALTER" if exists is not None else "CREATE")
    connection.execute(
        sql.SQL(
            "{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD {}"
        ).format(verb, sql.Identifier(login.role), sql.Literal(login.password))
    )
    for name, value in VANISHED_CLIENT.items():
        connection.execute(
            sql.SQL("ALTER ROLE {} SET {} = {}").format(
                sql.Identifier(login.role), sql.Identifier(name), sql.Literal(value)
            )
        )


def _make_database(connection: psycopg.Connection, database: str) -> None:
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is None:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
                sql.Identifier(database), sql.Identifier(OWNER_ROLE)
            )
        )


def _grant(connection: psycopg.Connection, database: str) -> None:
    names = {
        "database": sql.Identifier(database),
        "owner": sql.Identifier(OWNER_ROLE),
        "portal": sql.Identifier(PORTAL_ROLE),
        "serving": sql.Identifier(SERVING_ROLE),
        "usage": sql.Identifier(USAGE_ROLE),
    }
    for statement in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {portal}, {serving}, {usage}",
        "ALTER SCHEMA public OWNER TO {owner}",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE ON SCHEMA public TO {portal}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
        " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {portal}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
        " GRANT USAGE, SELECT ON SEQUENCES TO {portal}",
    ):
        connection.execute(sql.SQL(statement).format(**names))
