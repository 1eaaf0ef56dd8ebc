"""A portal on tables of another release says so, and what helps, before and after its start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import LiteralString

import psycopg
import pytest
from django.test import Client

from tests.conftest import ROOT, DatabaseUrls
from tests.fakes.portal import Cast, make_dataset
from tests.fakes.ports import free_port

pytestmark = pytest.mark.database
NEWER = ("training", "9999_of_a_later_release")
OLDEST = ("training", "0001_initial")
JSON = "application/json"


ADDED = "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())"
TAKEN = "DELETE FROM django_migrations WHERE app = %s AND name = %s"


def newer_tables(urls: DatabaseUrls) -> AbstractContextManager[None]:
    return _until_the_end(urls, ADDED, TAKEN, NEWER)


def older_tables(urls: DatabaseUrls) -> AbstractContextManager[None]:
    return _until_the_end(urls, TAKEN, ADDED, OLDEST)


@contextmanager
def _until_the_end(
    urls: DatabaseUrls, done: LiteralString, undone: LiteralString, migration: tuple[str, str]
) -> Iterator[None]:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute(done, migration)
        try:
            yield
        finally:
            owner.execute(undone, migration)


def start_portal(urls: DatabaseUrls) -> "subprocess.CompletedProcess[str]":
    """As ./hmi and the image do. Its end, for which it has a deadline."""
    options = ("--host", "127.0.0.1", "--port", str(free_port()))
    environment = {**os.environ, **urls.environment()}
    environment["PYTHONPATH"] = os.pathsep.join(str(ROOT / folder) for folder in ("platform", "inference"))
    return subprocess.run(
        [sys.executable, "-m", "uvicorn", "portal.config.asgi:application", *options],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_portal_does_not_start_on_tables_of_a_newer_release(database_urls: DatabaseUrls) -> None:
    with newer_tables(database_urls):
        ended = start_portal(database_urls)
    [line] = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "training.9999_of_a_later_release" in line and "Take that release again" in line


def test_a_portal_does_not_start_on_tables_of_an_older_release(database_urls: DatabaseUrls) -> None:
    with older_tables(database_urls):
        ended = start_portal(database_urls)
    [line] = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "lack training.0001_initial" in line and "manage.py migrate --database owner" in line


def test_a_portal_that_is_left_running_is_not_ready_and_says_why(
    database_urls: DatabaseUrls, db: None, client: Client
) -> None:
    with newer_tables(database_urls):
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "Take that release again" in answer.json()["checks"]["database"]
    assert client.get("/readyz").status_code == 200


@pytest.fixture(scope="module")
def later_column(database_urls: DatabaseUrls) -> Iterator[None]:
    """The tables ask for what this release does not know. Of the module: set up before a test's transaction,
    whose locks it would wait for, and gone after it."""
    with psycopg.connect(database_urls.owner, autocommit=True) as owner:
        for table, where in (("domain", "true"), ("dataset", "deleted_at IS NOT NULL")):
            owner.execute(f"ALTER TABLE {table} ADD COLUMN of_a_later_release text")
            owner.execute(
                f"ALTER TABLE {table} ADD CONSTRAINT later"
                f" CHECK (of_a_later_release IS NOT NULL OR NOT ({where})) NOT VALID"
            )
        try:
            yield
        finally:
            for table in ("domain", "dataset"):
                owner.execute(f"ALTER TABLE {table} DROP COLUMN of_a_later_release")


def test_what_newer_tables_ask_for_is_not_told_as_a_name_that_is_taken(
    later_column: None, cast: Cast
) -> None:
    """It was 409 already_exists: choose another slug."""
    client = cast.acme.client()
    client.raise_request_exception = False
    answer = client.post(f"{cast.acme.path}/domains", {"name": "Court rulings"}, content_type=JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")


def test_nor_is_it_told_as_a_dataset_that_a_training_uses(later_column: None, cast: Cast) -> None:
    client = cast.acme.client()
    client.raise_request_exception = False
    answer = client.delete(f"{cast.acme.path}/datasets/{make_dataset(cast.acme.tenant).pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal")
