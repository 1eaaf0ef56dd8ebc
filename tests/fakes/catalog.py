"""A catalog that lives in a test, with the interface of PostgreSQL's."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from hmi.service.catalog_source import CatalogConnection, CatalogUnavailable
from hmi.service.snapshot import CatalogRows
from wire.artifacts import BundleRef
from wire.catalog import KeyRow, LimitRow, TaskRow, TrialKind, TrialRow
from wire.ids import KeyId, TaskId, TenantId, TrialId, VersionId


class FakeCatalog:
    """Implements CatalogSource. ``is_silent``: changes are not announced, as when a notification is lost."""

    def __init__(self) -> None:
        self.keys: dict[str, KeyRow] = {}
        self.tasks: dict[tuple[str, str], TaskRow] = {}
        self.trials: dict[tuple[str, str], TrialRow] = {}
        self.limits: dict[str, LimitRow] = {}
        self.backbone: BundleRef | None = None
        self.is_away = False
        self.is_silent = False
        self.num_reads = 0
        self.num_stuck = 0  # readings that wait for a database that hangs
        self._hangs: asyncio.Event | None = None
        self._on_change: Callable[[], None] | None = None

    def add_key(
        self,
        secret: str,
        tenant: str,
        *,
        scopes: tuple[str, ...] = ("predict",),
        task: str | None = None,
        expires_at: datetime | None = None,
    ) -> None:
        self.keys[secret] = KeyRow(
            key_sha256=hashlib.sha256(secret.encode()).digest(),
            key_id=KeyId(f"key of {tenant}"),
            tenant_id=TenantId(tenant),
            scopes=scopes,
            task_id=None if task is None else TaskId(f"{tenant}/{task}"),
            expires_at=expires_at,
        )
        self._announce()

    def revoke(self, secret: str) -> None:
        del self.keys[secret]
        self._announce()

    def deploy(
        self,
        tenant: str,
        slug: str,
        *,
        number: int = 1,
        adapter: BundleRef | None,
        tree: BundleRef | None,
        coverage_floor: float | None = None,
        leaf: BundleRef | None = None,
    ) -> None:
        """Serve this version; None for both: the task exists and has no deployment."""
        is_deployed = adapter is not None and tree is not None
        self.tasks[tenant, slug] = TaskRow(
            tenant_id=TenantId(tenant),
            task_id=TaskId(f"{tenant}/{slug}"),
            slug=slug,
            version_id=VersionId(f"{tenant}/{slug}/{number}") if is_deployed else None,
            version_number=number if is_deployed else None,
            bundle_uri=adapter.uri if adapter is not None else None,
            bundle_digest=adapter.digest if adapter is not None else None,
            tree_uri=tree.uri if tree is not None else None,
            tree_digest=tree.digest if tree is not None else None,
            coverage_floor=coverage_floor,
            leaf_uri=leaf.uri if leaf is not None else None,
            leaf_digest=leaf.digest if leaf is not None else None,
        )
        self._announce()

    def allow(
        self,
        tenant: str,
        *,
        requests_per_s: float | None = None,
        burst: int = 20,
        quota_texts: int | None = None,
        used_texts: int = 0,
    ) -> None:
        """Set what a tenant may use, in a period that ends in the year 2100."""
        self.limits[tenant] = LimitRow(
            tenant_id=TenantId(tenant),
            weight=1.0,
            requests_per_s=requests_per_s,
            burst=burst,
            quota_texts=quota_texts,
            quota_tokens=None,
            period_ends_at=datetime(2100, 1, 1, tzinfo=UTC),
            used_texts=used_texts,
            used_tokens=0,
        )
        self._announce()

    def try_out(
        self,
        tenant: str,
        slug: str,
        *,
        kind: TrialKind,
        share: float = 1.0,
        number: int = 2,
        adapter: BundleRef,
        tree: BundleRef,
        leaf: BundleRef | None = None,
    ) -> None:
        """Try this version beside the one that serves."""
        self.trials[tenant, slug] = TrialRow(
            trial_id=TrialId(f"trial of {tenant}/{slug}"),
            tenant_id=TenantId(tenant),
            task_id=TaskId(f"{tenant}/{slug}"),
            kind=kind,
            share=share,
            version_id=VersionId(f"{tenant}/{slug}/{number}"),
            version_number=number,
            bundle_uri=adapter.uri,
            bundle_digest=adapter.digest,
            tree_uri=tree.uri,
            tree_digest=tree.digest,
            leaf_uri=leaf.uri if leaf is not None else None,
            leaf_digest=leaf.digest if leaf is not None else None,
        )
        self._announce()

    def rename(self, tenant: str, old: str, new: str) -> None:
        self.tasks[tenant, new] = replace(self.tasks.pop((tenant, old)), slug=new)
        self._announce()

    def go_away(self) -> None:
        """As when the database stops: connections break, and none can be made."""
        self.is_away = True
        self._announce()

    def hang(self) -> None:
        """As when the database is frozen: connections stay, and nothing is answered until go_on."""
        self._hangs = asyncio.Event()

    def go_on(self) -> None:
        assert self._hangs is not None, "it does not hang"
        self._hangs.set()
        self._hangs = None

    @asynccontextmanager
    async def connect(self, on_change: Callable[[], None]) -> AsyncIterator[CatalogConnection]:
        if self.is_away:
            raise CatalogUnavailable("the catalog is away")
        self._on_change = on_change
        yield self

    async def read(self) -> CatalogRows:
        if self._hangs is not None:
            self.num_stuck += 1
            await self._hangs.wait()
            self.num_stuck -= 1
        if self.is_away:
            raise CatalogUnavailable("the catalog is away")
        self.num_reads += 1
        return CatalogRows(
            list(self.keys.values()),
            list(self.tasks.values()),
            list(self.trials.values()),
            list(self.limits.values()),
            self.backbone,
        )

    def _announce(self) -> None:
        if self._on_change is not None and not self.is_silent:
            self._on_change()
