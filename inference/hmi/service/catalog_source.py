"""Reads the catalog's views in PostgreSQL with the read-only role, and hears what changes there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from hmi.service.database_calls import answered_within
from hmi.service.snapshot import CatalogRows
from wire.artifacts import BundleRef
from wire.catalog import (
    KEYS_VIEW,
    LIMITS_VIEW,
    NOTIFY_CHANNEL,
    TASKS_VIEW,
    TRIALS_VIEW,
    KeyRow,
    LimitRow,
    TaskRow,
    TrialKind,
    TrialRow,
)
from wire.connections import VANISHED
from wire.ids import BundleUri, Digest, KeyId, TaskId, TenantId, TrialId, VersionId

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 10.0
ROWS_AT_A_TIME = 200
"""A row takes four microseconds: predictions wait less than one millisecond for these."""
BACKBONE_VIEW = "serving_v1.backbone"
KEY_COLUMNS = "key_sha256, key_id, tenant_id, scopes, task_id, expires_at"
TASK_COLUMNS = (
    "tenant_id, task_id, slug, version_id, version_number, bundle_uri, bundle_digest, tree_uri, tree_digest,"
    " coverage_floor, leaf_uri, leaf_digest"
)
TRIAL_COLUMNS = (
    "trial_id, tenant_id, task_id, kind, share, version_id, version_number, bundle_uri, bundle_digest,"
    " tree_uri, tree_digest, leaf_uri, leaf_digest"
)
LIMIT_COLUMNS = (
    "tenant_id, weight, requests_per_s, burst, quota_texts, quota_tokens, period_ends_at, used_texts,"
    " used_tokens"
)


R = TypeVar("R")


class CatalogUnavailable(Exception):
    """The catalog cannot be reached or read now."""

    problem = "the catalog cannot be reached"


class CatalogOfOlderRelease(CatalogUnavailable):
    """It lacks what this release reads."""

    problem = (
        "the catalog's tables are of an older release than this service: bring them up to date with "
        "`python manage.py migrate --database owner` or ./hmi up"
    )


class CatalogConnection(Protocol):
    """One connection to the catalog."""

    async def read(self) -> CatalogRows:
        """All views, whole, from one moment; raises CatalogUnavailable."""


class CatalogSource(Protocol):
    """Where the catalog is."""

    def connect(self, on_change: Callable[[], None]) -> AbstractAsyncContextManager[CatalogConnection]:
        """Connect and listen: ``on_change`` is called, on the event loop, when something changed or the
        connection was lost (reading then raises). Raises CatalogUnavailable."""


class PostgresCatalogSource:
    """The catalog in PostgreSQL. Two connections: one waits for notifications, one reads."""

    def __init__(self, url: str, *, read_timeout_s: float = READ_TIMEOUT_S) -> None:
        self._url = url
        self._read_timeout_s = read_timeout_s

    @asynccontextmanager
    async def connect(self, on_change: Callable[[], None]) -> AsyncIterator[CatalogConnection]:
        async with await _connect(self._url) as listening, await _connect(self._url) as reading:
            try:
                await answered_within(
                    self._read_timeout_s, listening, listening.execute(f"LISTEN {NOTIFY_CHANNEL}")
                )
                # East of Greenwich the end of the year 9999, which a key may have, is no time of Python's.
                await answered_within(self._read_timeout_s, reading, reading.execute("SET TIME ZONE 'UTC'"))
            except (psycopg.Error, TimeoutError) as exc:
                raise CatalogUnavailable(str(exc)) from exc
            connection = PostgresCatalogConnection(reading, read_timeout_s=self._read_timeout_s)
            listener = asyncio.create_task(connection.listen(listening, on_change))
            try:
                yield connection
            finally:
                listener.cancel()
                await asyncio.gather(listener, return_exceptions=True)


class PostgresCatalogConnection:
    """See CatalogConnection."""

    def __init__(self, connection: "psycopg.AsyncConnection[Any]", *, read_timeout_s: float) -> None:
        self._connection = connection
        self._read_timeout_s = read_timeout_s
        self._is_lost = False

    async def listen(self, listening: "psycopg.AsyncConnection[Any]", on_change: Callable[[], None]) -> None:
        try:
            async for _ in listening.notifies():
                on_change()
        except psycopg.Error:
            pass
        self._is_lost = True
        on_change()

    async def read(self) -> CatalogRows:
        if self._is_lost:
            raise CatalogUnavailable("the connection that listens for changes was lost")
        try:
            return await answered_within(self._read_timeout_s, self._connection, self._read())
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable) as exc:
            raise CatalogOfOlderRelease(f"{exc.diag.message_primary}") from exc
        except (psycopg.Error, TimeoutError) as exc:
            raise CatalogUnavailable(f"{type(exc).__name__}: {exc}") from exc

    async def _read(self) -> CatalogRows:
        async with self._connection.transaction(), self._connection.cursor() as cursor:
            await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            keys = await _all(cursor, f"SELECT {KEY_COLUMNS} FROM {KEYS_VIEW}", _key)
            tasks = await _all(cursor, f"SELECT {TASK_COLUMNS} FROM {TASKS_VIEW}", _task)
            trials = await _all(cursor, f"SELECT {TRIAL_COLUMNS} FROM {TRIALS_VIEW}", _trial)
            limits = await _all(cursor, f"SELECT {LIMIT_COLUMNS} FROM {LIMITS_VIEW}", _limit)
            await cursor.execute(f"SELECT uri, digest FROM {BACKBONE_VIEW}")
            backbone = await cursor.fetchone()
        ref = BundleRef(BundleUri(backbone[0]), Digest(backbone[1])) if backbone else None
        return CatalogRows(keys, tasks, trials, limits, ref)


async def _all(
    cursor: "psycopg.AsyncCursor[Any]", query: str, row_of: Callable[[tuple[Any, ...]], R]
) -> list[R]:
    """Every row, a few at a time: what waits for the event loop waits for those, not for all."""
    await cursor.execute(query)
    found: list[R] = []
    while some := await cursor.fetchmany(ROWS_AT_A_TIME):
        found += [row_of(row) for row in some]
        await asyncio.sleep(0)
    return found


async def _connect(url: str) -> "psycopg.AsyncConnection[Any]":
    try:
        return await psycopg.AsyncConnection.connect(
            make_conninfo(url, **VANISHED),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            application_name="hmi-service",
        )
    except psycopg.Error as exc:
        raise CatalogUnavailable(str(exc).strip()) from exc


def _key(row: tuple[Any, ...]) -> KeyRow:
    sha256, key_id, tenant_id, scopes, task_id, expires_at = row
    return KeyRow(
        key_sha256=bytes(sha256),
        key_id=KeyId(str(key_id)),
        tenant_id=TenantId(str(tenant_id)),
        scopes=tuple(scopes),
        task_id=None if task_id is None else TaskId(str(task_id)),
        expires_at=expires_at,
    )


def _task(row: tuple[Any, ...]) -> TaskRow:
    tenant_id, task_id, slug, version_id, number, *places, floor, leaf_uri, leaf_digest = row
    bundle_uri, bundle_digest, tree_uri, tree_digest = places
    return TaskRow(
        tenant_id=TenantId(str(tenant_id)),
        task_id=TaskId(str(task_id)),
        slug=slug,
        version_id=None if version_id is None else VersionId(str(version_id)),
        version_number=number,
        bundle_uri=bundle_uri,
        bundle_digest=bundle_digest,
        tree_uri=tree_uri,
        tree_digest=tree_digest,
        coverage_floor=floor,
        leaf_uri=leaf_uri,
        leaf_digest=leaf_digest,
    )


def _trial(row: tuple[Any, ...]) -> TrialRow:
    trial_id, tenant_id, task_id, kind, share, version_id, number, *places = row
    bundle_uri, bundle_digest, tree_uri, tree_digest, leaf_uri, leaf_digest = places
    return TrialRow(
        trial_id=TrialId(str(trial_id)),
        tenant_id=TenantId(str(tenant_id)),
        task_id=TaskId(str(task_id)),
        kind=TrialKind(kind),
        share=float(share),
        version_id=VersionId(str(version_id)),
        version_number=number,
        bundle_uri=bundle_uri,
        bundle_digest=bundle_digest,
        tree_uri=tree_uri,
        tree_digest=tree_digest,
        leaf_uri=leaf_uri,
        leaf_digest=leaf_digest,
    )


def _limit(row: tuple[Any, ...]) -> LimitRow:
    tenant_id, weight, requests_per_s, burst, texts, tokens, period_ends_at, used_texts, used_tokens = row
    return LimitRow(
        tenant_id=TenantId(str(tenant_id)),
        weight=weight,
        requests_per_s=requests_per_s,
        burst=burst,
        quota_texts=texts,
        quota_tokens=tokens,
        period_ends_at=period_ends_at,
        used_texts=used_texts,
        used_tokens=used_tokens,
    )
