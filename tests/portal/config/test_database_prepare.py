"""Preparing the database."""

import subprocess
import sys

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.conftest import ROOT, DatabaseUrls


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, database_urls: DatabaseUrls) -> pytest.MonkeyPatch:
    """The settings of the session's database, which has been prepared once."""
    for name, value in database_urls.environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.database
def test_it_may_run_again(environment: pytest.MonkeyPatch, database_urls: DatabaseUrls) -> None:
    call_command("database_prepare")
    with psycopg.connect(database_urls.portal) as portal:
        assert portal.execute("SELECT count(*) FROM task").fetchone() == (0,)


@pytest.mark.database
def test_a_session_of_a_machine_that_vanished_ends_within_half_a_minute_with_its_locks(
    database_urls: DatabaseUrls,
) -> None:
    for url in (database_urls.owner, database_urls.portal, database_urls.catalog, database_urls.usage):
        with psycopg.connect(url) as session:
            idle, interval, count, unanswered = (
                session.execute("SELECT setting::int FROM pg_settings WHERE name = %s", [name]).fetchone()
                for name in (
                    "tcp_keepalives_idle",
                    "tcp_keepalives_interval",
                    "tcp_keepalives_count",
                    "tcp_user_timeout",
                )
            )
        assert (idle, interval, count, unanswered) == ((10,), (5,), (3,), (25_000,))


@pytest.mark.database
def test_no_role_is_above_row_level_security_or_owns_what_it_reads(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as admin:
        roles = admin.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
            " WHERE rolname LIKE 'hmi\\_%' ORDER BY rolname"
        ).fetchall()
    assert roles == [
        (role, False, False, False, False) for role in ("hmi_owner", "hmi_portal", "hmi_serving", "hmi_usage")
    ]


@pytest.mark.database
def test_every_table_with_a_tenant_has_row_level_security_forced(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.owner) as owner:
        tables = owner.execute(
            "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
    assert len(tables) >= 12
    assert [name for name, is_forced in tables if not is_forced] == []


@pytest.mark.database
def test_each_policy_opens_the_rows_of_the_scopes_tenant_and_what_is_named_here(
    database_urls: DatabaseUrls,
) -> None:
    with psycopg.connect(database_urls.owner) as owner:
        policies = owner.execute(
            "SELECT p.tablename, p.cmd, condition FROM pg_policies p"
            " JOIN pg_attribute a ON a.attrelid = to_regclass(p.tablename::text) AND a.attname = 'tenant_id'"
            " CROSS JOIN LATERAL unnest(ARRAY[p.qual, p.with_check]) condition"
            " WHERE 'hmi_portal' = ANY (p.roles) AND condition IS NOT NULL"
        ).fetchall()
    assert len(policies) >= 100
    of_tenant, of_operator = _parts("task", "SELECT", policies)
    assert "tenant_id = " in of_tenant and "hmi.tenant_id" in of_tenant and "hmi.scope" in of_operator
    wider: dict[tuple[str, str], list[str]] = {}
    for table, cmd, _ in policies:
        first, *others, last = _parts(table, cmd, policies)
        assert last == of_operator and (first == of_tenant or [first, *others] == ["false"]), (table, cmd)
        if others:
            wider[table, cmd] = others
    assert sorted(wider) == [(table, "SELECT") for table in sorted(READ_BY_OTHERS)]
    for (table, _), others in wider.items():
        assert len(others) == 1 and READ_BY_OTHERS[table] in others[0]


READ_BY_OTHERS = {
    "api_key": "key_sha256 = decode(NULLIF(current_setting('hmi.key_sha256'",
    "domain": "tenant_id IS NULL",
    "invitation": "token_sha256 = decode(NULLIF(current_setting('hmi.key_sha256'",
    "membership": "user_id = (NULLIF(current_setting('hmi.user_id'",
    "tree_version": "tenant_id IS NULL",
}
"""Tables of which more than a tenant's own rows may be read, and which."""


def _parts(table: str, cmd: str, policies: list[tuple[str, str, str]]) -> list[str]:
    """What a policy's condition is made of; where there are two conditions, they are the same."""
    [condition] = {one for *which, one in policies if which == [table, cmd]}
    return condition[1:-1].split(" OR ")


@pytest.mark.database
def test_the_portals_role_changes_no_table(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.portal, autocommit=True) as portal:
        for statement in (
            "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
            "DROP POLICY task_read ON task",
            "CREATE TABLE mine (id int)",
            "SET ROLE hmi_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                portal.execute(statement)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HMI_DATABASE_ADMIN_URL", None, "HMI_DATABASE_ADMIN_URL is not set"),
        ("HMI_USAGE_URL", None, "HMI_USAGE_URL is not set"),
        ("HMI_DATABASE_URL", "postgresql://root:x@127.0.0.1:1/hmi", "must name the role hmi_portal"),
        ("HMI_DATABASE_URL", "postgresql://hmi_portal@127.0.0.1:1/hmi", "must have a password"),
        ("HMI_DATABASE_URL", "postgresql://hmi_portal:x@127.0.0.1:1/other", "must name one database"),
        ("HMI_DATABASE_ADMIN_URL", "postgresql://a:b@127.0.0.1:1/postgres", "does not answer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, problem: str
) -> None:
    given: dict[str, str | None] = {
        "HMI_DATABASE_ADMIN_URL": "postgresql://postgres:x@127.0.0.1:1/postgres",
        "HMI_DATABASE_OWNER_URL": "postgresql://hmi_owner:x@127.0.0.1:1/hmi",
        "HMI_DATABASE_URL": "postgresql://hmi_portal:x@127.0.0.1:1/hmi",
        "HMI_CATALOG_URL": "postgresql://hmi_serving:x@127.0.0.1:1/hmi",
        "HMI_USAGE_URL": "postgresql://hmi_usage:x@127.0.0.1:1/hmi",
        name: value,
    }
    for variable, setting in given.items():
        if setting is not None:
            monkeypatch.setenv(variable, setting)
    with pytest.raises(CommandError, match=problem):
        call_command("database_prepare")


@pytest.mark.database
def test_tables_of_a_newer_release_are_refused(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    migrate = [sys.executable, "manage.py", "migrate", "--database", "owner", "--no-input"]
    newer = ("domains", "9999_of_a_later_release")
    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        owner.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", newer)
        try:
            refused = subprocess.run(migrate, cwd=ROOT, capture_output=True, text=True, check=False)
        finally:
            owner.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", newer)
    assert refused.returncode != 0
    assert "a newer release's" in refused.stderr and ".".join(newer) in refused.stderr
    assert subprocess.run(migrate, cwd=ROOT, capture_output=True, check=False).returncode == 0
