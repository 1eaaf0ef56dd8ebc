"""Keeps the newest snapshot of the catalog, and goes on with the last one while the catalog is away."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from hmi.base.clock import Clock
from hmi.base.errors import BudgetExceeded, HmiError, NotReady
from hmi.service.catalog_room import CatalogRoom
from hmi.service.catalog_source import CatalogConnection, CatalogSource, CatalogUnavailable
from hmi.service.snapshot import CatalogRows, CatalogSnapshot
from wire.errors import ErrorCode

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CatalogReaderConfig:
    """How often the catalog is read."""

    poll_s: float  # at least this often, should a notification be lost
    staleness_s: float  # a snapshot older than this is not trusted any more
    min_interval_s: float = 1.0  # at most this often, however many changes and unknown keys there are
    retry_s: float = 1.0  # after a failure
    refresh_wait_s: float = 3.0  # who asks for what is unknown waits so long at most
    max_waiting: int = 1000  # of those at once


class CatalogReader:
    """One task of the event loop reads (run); requests look at ``current`` and may ask for a refresh."""

    def __init__(
        self,
        source: CatalogSource,
        config: CatalogReaderConfig,
        *,
        clock: Clock,
        on_snapshot: Callable[[CatalogSnapshot], None],
        room: CatalogRoom,
    ) -> None:
        self._source = source
        self._config = config
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._room = room
        self._snapshot: CatalogSnapshot | None = None
        self._wake = asyncio.Event()
        self._waiting: dict[asyncio.Future[None], float] = {}  # one a caller of refresh -> when it asked
        self._answers = False  # False: the newest reading failed, or somebody has waited for it in vain
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
        """Return once the catalog was read in an attempt that began after this call.

        Attempts are shared, and ``min_interval_s`` apart: a caller waits for its turn, ``refresh_wait_s`` at
        most. Raises catalog_stale when nothing was read by then; at once while the catalog is away or has
        kept another waiting in vain since it was read last, and when ``max_waiting`` wait already.
        """
        self._wake.set()
        if not self._answers or len(self._waiting) >= self._config.max_waiting:
            raise _not_looked_up()
        read = asyncio.get_running_loop().create_future()
        self._waiting[read] = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._config.refresh_wait_s):
                await read
        except TimeoutError:
            self._answers = False
            raise _not_looked_up() from None
        finally:
            del self._waiting[read]

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                async with self._source.connect(self._wake.set) as connection:
                    await self._follow(connection)
            except CatalogUnavailable as exc:
                self.problem = exc.problem
                log.warning("catalog_unavailable", problem=exc.problem, reason=str(exc))
            finally:
                self._note_failure()
            await asyncio.sleep(self._config.retry_s)

    async def _follow(self, connection: CatalogConnection) -> None:
        while True:
            # Cleared before reading: what changes during the read is read again.
            self._wake.clear()
            began = self._clock.monotonic()
            try:
                await self._take_over(await connection.read(), began)
                self._note_read(began)
            except BudgetExceeded as exc:
                self.problem = f"the catalog has outgrown its part of HMI_HOST_BYTES: {exc.message}"
                log.error("catalog_not_taken", reason=exc.message)
                self._note_failure()
            await asyncio.sleep(self._config.min_interval_s)
            await self._wait_for_reason()

    async def _take_over(self, rows: CatalogRows, began: float) -> None:
        self._room.hold(rows)
        # Indexed on a thread: of thousands of tenants that takes longer than a prediction should wait.
        snapshot = await asyncio.to_thread(CatalogSnapshot.of, rows, began)
        self._snapshot = snapshot
        self._on_snapshot(snapshot)
        self.problem = ""

    async def _wait_for_reason(self) -> None:
        # Not wait_for, which forgets that it was cancelled when the wait ends in the same moment.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.poll_s):
                await self._wake.wait()

    def _note_read(self, began: float) -> None:
        self.is_connected = self._answers = True
        for read, asked in self._waiting.items():
            if asked <= began and not read.done():
                read.set_result(None)

    def _note_failure(self) -> None:
        self.is_connected = self._answers = False
        for read in self._waiting:
            if not read.done():
                read.set_exception(_not_looked_up())


def _not_looked_up() -> HmiError:
    return HmiError(
        ErrorCode.CATALOG_STALE,
        "this key or task is not known here, and whether it was just made cannot be looked up now; try again",
        retryable=True,
    )
