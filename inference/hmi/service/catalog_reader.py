"""Keeps the newest snapshot of the catalog, and goes on with the last one while the catalog is away."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from hmi.base.clock import Clock
from hmi.base.errors import HmiError, NotReady
from hmi.service.catalog_source import CatalogConnection, CatalogSource, CatalogUnavailable
from hmi.service.snapshot import CatalogSnapshot
from wire.errors import ErrorCode

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CatalogReaderConfig:
    """How often the catalog is read."""

    poll_s: float  # at least this often, should a notification be lost
    staleness_s: float  # a snapshot older than this is not trusted any more
    min_interval_s: float = 1.0  # at most this often, however many changes and unknown keys there are
    retry_s: float = 1.0  # after a failure


class CatalogReader:
    """One task of the event loop reads (run); requests look at ``current`` and may ask for a refresh."""

    def __init__(
        self,
        source: CatalogSource,
        config: CatalogReaderConfig,
        *,
        clock: Clock,
        on_snapshot: Callable[[CatalogSnapshot], None],
    ) -> None:
        self._source = source
        self._config = config
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._snapshot: CatalogSnapshot | None = None
        self._wake = asyncio.Event()
        self._attempted = asyncio.Condition()
        self._last_attempt = float("-inf")
        self.is_connected = False
        self.problem = "the catalog has not been read yet"

    def current(self) -> CatalogSnapshot:
        """The newest snapshot; raises NotReady before the first, catalog_stale when it is too old."""
        if self._snapshot is None:
            raise NotReady(f"not ready: {self.problem}")
        if self.age_s() > self._config.staleness_s:
            raise HmiError(
                ErrorCode.CATALOG_STALE,
                f"the catalog could not be read for {self.age_s():.0f} s; keys cannot be trusted any more",
                retryable=True,
            )
        return self._snapshot

    def age_s(self) -> float:
        """Since the newest snapshot was read; infinite before the first."""
        if self._snapshot is None:
            return float("inf")
        return self._clock.monotonic() - self._snapshot.read_at

    async def refresh(self) -> None:
        """Return once the catalog was read (or could not be) in an attempt that began after this call.

        Attempts are shared, and ``min_interval_s`` apart: a caller waits for its turn.
        """
        asked = self._clock.monotonic()
        if not self.is_connected:
            return
        self._wake.set()
        async with self._attempted:
            await self._attempted.wait_for(lambda: self._last_attempt >= asked or not self.is_connected)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                async with self._source.connect(self._wake.set) as connection:
                    await self._follow(connection)
            except CatalogUnavailable as exc:
                self.problem = "the catalog cannot be reached"
                log.warning("catalog_unavailable", reason=str(exc))
            finally:
                await self._note_attempt(is_connected=False)
            await asyncio.sleep(self._config.retry_s)

    async def _follow(self, connection: CatalogConnection) -> None:
        while True:
            # Cleared before reading: what changes during the read is read again.
            self._wake.clear()
            began = self._clock.monotonic()
            # Indexed on a thread: of thousands of tenants that takes longer than a prediction should wait.
            snapshot = await asyncio.to_thread(CatalogSnapshot.of, await connection.read(), began)
            self._snapshot = snapshot
            self._on_snapshot(snapshot)
            self.problem = ""
            await self._note_attempt(is_connected=True, began=began)
            await asyncio.sleep(self._config.min_interval_s)
            await self._wait_for_reason()

    async def _wait_for_reason(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), self._config.poll_s)
        except TimeoutError:
            return

    async def _note_attempt(self, *, is_connected: bool, began: float | None = None) -> None:
        async with self._attempted:
            self.is_connected = is_connected
            if began is not None:
                self._last_attempt = began
            self._attempted.notify_all()
