"""Who asks, and which task they may use: decided for every request, by the catalog's newest snapshot."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from hmi.base.clock import Clock
from hmi.base.errors import HmiError, NotFound
from hmi.engine.request import HplmRef
from hmi.service.catalog_reader import CatalogReader
from hmi.service.snapshot import CatalogSnapshot, hplm_of, hplm_on_trial
from wire.catalog import KEY_PREFIX, KeyRow, LimitRow, Scope, TaskRow, TrialKind
from wire.errors import ErrorCode
from wire.ids import TenantId, TrialId, VersionId

MAX_KEY_CHARS = 128
MAX_GRANTED = 10_000
"""Grants that are remembered of a snapshot, and no more than it has keys and tasks: see catalog_room."""
T = TypeVar("T")

_MAY_BE_NEW = {ErrorCode.INVALID_KEY, ErrorCode.TASK_NOT_FOUND, ErrorCode.TASK_NOT_DEPLOYED}


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A version that may answer."""

    hplm: HplmRef
    version_id: VersionId
    number: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that is tried beside the one that serves."""

    id: TrialId
    kind: TrialKind
    share: float
    version: ServedVersion


@dataclass(frozen=True, slots=True)
class Grant:
    """A key that may use a deployed task."""

    key: KeyRow
    task: TaskRow
    live: ServedVersion
    trial: Trial | None
    limit: LimitRow | None = None  # None: the catalog names none


class Access:
    """Checks keys by SHA-256. What is unknown is looked for in a fresh snapshot before it is refused."""

    def __init__(self, reader: CatalogReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._granted: dict[tuple[bytes, str], Grant] = {}  # key_sha256 and slug -> by that snapshot:
        self._granted_by: CatalogSnapshot | None = None
        self._max_granted = 0

    async def to_task(self, authorization: str | None, slug: str) -> Grant:
        """The right to predict with task ``slug``. Another tenant's task is as unknown as an absent one."""
        secret = bearer(authorization)
        return await self._twice(lambda snapshot: self._grant(snapshot, secret, slug))

    async def to_tasks(self, authorization: str | None) -> list[TaskRow]:
        """All deployed tasks that a key may use, by slug."""
        secret = bearer(authorization)
        key = await self._twice(lambda snapshot: _key(snapshot, secret, self._clock.now()))
        tasks = _tasks_of(self._reader.current(), key.tenant_id)
        return [
            tasks[slug] for slug in sorted(tasks) if _is_open_to(key, tasks[slug]) and hplm_of(tasks[slug])
        ]

    def _grant(self, snapshot: CatalogSnapshot, secret: str, slug: str) -> Grant:
        if snapshot is not self._granted_by:
            self._granted_by, self._max_granted = snapshot, min(MAX_GRANTED, snapshot.num_rows)
            self._granted.clear()
        elif len(self._granted) >= self._max_granted:
            self._granted.clear()
        key = _key(snapshot, secret, self._clock.now())
        grant = self._granted.get((key.key_sha256, slug))
        if grant is None:
            grant = self._granted[key.key_sha256, slug] = _grant(snapshot, key, slug)
        return grant

    async def _twice(self, decide: Callable[[CatalogSnapshot], T]) -> T:
        try:
            return decide(self._reader.current())
        except HmiError as error:
            if error.code not in _MAY_BE_NEW:
                raise
        await self._reader.refresh()
        return decide(self._reader.current())


def bearer(authorization: str | None) -> str:
    """The key in an Authorization header; raises unauthenticated or invalid_key."""
    if not authorization:
        raise HmiError(
            ErrorCode.UNAUTHENTICATED, "send the API key in the header: Authorization: Bearer hmi_..."
        )
    scheme, _, secret = authorization.partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise HmiError(ErrorCode.UNAUTHENTICATED, "the Authorization header must read: Bearer hmi_...")
    if not secret.startswith(KEY_PREFIX) or len(secret) > MAX_KEY_CHARS:
        raise _invalid_key()
    return secret


def _key(snapshot: CatalogSnapshot, secret: str, now: datetime) -> KeyRow:
    key = snapshot.keys.get(hashlib.sha256(secret.encode()).digest())
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        raise _invalid_key()
    if Scope.PREDICT not in key.scopes:
        raise HmiError(ErrorCode.FORBIDDEN, "this key may not predict; use one with the scope 'predict'")
    return key


def _grant(snapshot: CatalogSnapshot, key: KeyRow, slug: str) -> Grant:
    task = _tasks_of(snapshot, key.tenant_id).get(slug)
    if task is None or not _is_open_to(key, task):
        raise NotFound(
            "there is no such task for this key; GET /v1/models lists those it may call",
            code=ErrorCode.TASK_NOT_FOUND,
            param="task",
        )
    hplm = hplm_of(task)
    if hplm is None or task.version_id is None or task.version_number is None:
        raise HmiError(ErrorCode.TASK_NOT_DEPLOYED, "this task has no deployed version yet; deploy one first")
    live = ServedVersion(hplm, task.version_id, task.version_number)
    return Grant(key, task, live, _trial_of(snapshot, task), snapshot.limits.get(task.tenant_id))


def _trial_of(snapshot: CatalogSnapshot, task: TaskRow) -> Trial | None:
    row = snapshot.trials.get(task.task_id)
    if row is None:
        return None
    version = ServedVersion(hplm_on_trial(row), row.version_id, row.version_number)
    return Trial(row.trial_id, row.kind, row.share, version)


def _tasks_of(snapshot: CatalogSnapshot, tenant_id: TenantId) -> Mapping[str, TaskRow]:
    return snapshot.tasks.get(tenant_id, {})


def _is_open_to(key: KeyRow, task: TaskRow) -> bool:
    return key.task_id is None or key.task_id == task.task_id


def _invalid_key() -> HmiError:
    return HmiError(
        ErrorCode.INVALID_KEY,
        "this API key is not known, was revoked, or has expired; make another under 'API keys'",
    )
