"""Brings items from disk into the host tier on threads of its own, each item once however many ask for it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from hmi.base.errors import BudgetExceeded, HmiError
from hmi.memory.budget import Reservation
from hmi.memory.residency import Lease, Residency, ResidencyState
from hmi.memory.room import NoRoom
from wire.errors import ErrorCode

NUM_ADAPTER_LOADERS = 16
"""They wait for a disk most of the time: at 20 ms a read, each brings 48 adapters a second at most."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
K_contra = TypeVar("K_contra", contravariant=True)


class Source(Protocol[K_contra, V_co]):
    """The disk tier of one kind of item. Called from loader threads, several at once."""

    def measure(self, key: K_contra) -> int:
        """Bytes that the item will take in the host tier; cheap."""

    def read(self, key: K_contra) -> V_co:
        """The item, verified. Raises HmiError; ``retryable`` tells whether trying again can help."""


class Loader(Generic[K, V]):
    """The way from disk to host. Thread-safe; close() ends its threads and fails what is still under way.

    An item that failed for good is quarantined: it fails at once, for those who ask for it and nobody else,
    until ``retain`` is told of a catalog that no longer names it.
    """

    def __init__(
        self,
        source: Source[K, V],
        residency: Residency[K, Reservation, V],
        *,
        num_threads: int,
        room_timeout_s: float,
        name: str,
        prepare_thread: Callable[[], None] | None = None,
    ) -> None:
        """``prepare_thread`` is called once on each of the ``num_threads``."""
        self._source = source
        self._residency = residency
        self._room_timeout_s = room_timeout_s
        self._lock = threading.Lock()
        self._waiters: OrderedDict[K, list[Future[Lease[K, Reservation, V]]]] = OrderedDict()
        self._quarantine: dict[K, HmiError] = {}
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix=name, initializer=prepare_thread)

    def acquire(self, key: K) -> "Future[Lease[K, Reservation, V]]":
        """A future lease on the item in the host tier. A caller that cancels it holds nothing."""
        future: Future[Lease[K, Reservation, V]] = Future()
        with self._lock:
            broken = self._quarantine.get(key)
            waiters = self._waiters.get(key)
            if waiters is not None:
                waiters.append(future)
                return future
            lease = None
            if broken is None and self._residency.state(key) is ResidencyState.RESIDENT:
                lease = self._residency.acquire(key)
            if broken is None and lease is None:
                self._waiters[key] = [future]
                self._threads.submit(self._load, key)
                return future
        if broken is not None:
            future.set_exception(broken)
        elif lease is not None:
            future.set_result(lease)
        return future

    def acquire_now(self, key: K) -> Lease[K, Reservation, V] | None:
        """A lease on the item if it is in the host tier and sound; None: acquire() tells, in time."""
        if self._residency.state(key) is not ResidencyState.RESIDENT:
            return None  # without a wait for the locks that those who load hold
        with self._lock:
            return None if key in self._quarantine else self._residency.acquire(key)

    def prefetch(self, key: K) -> None:
        """Bring the item into the host tier without holding it there."""
        self.acquire(key).add_done_callback(_let_go)

    def retain(self, keys: Collection[K]) -> None:
        """Forget the quarantined items that are not among ``keys``: what the catalog names now."""
        with self._lock:
            self._quarantine = {key: error for key, error in self._quarantine.items() if key in keys}

    def quarantine(self, key: K, error: HmiError) -> None:
        """From now on ``key`` fails with ``error``: it was found broken after it had been loaded."""
        with self._lock:
            self._quarantine[key] = error
        self._residency.evict(key)

    def resident_bytes(self) -> Mapping[K, int]:
        """Key -> bytes of everything that is in the host tier or on its way there."""
        return self._residency.resident_bytes()

    def quarantined(self) -> Mapping[K, HmiError]:
        """Broken items and what is wrong with them."""
        with self._lock:
            return dict(self._quarantine)

    @property
    def num_quarantined(self) -> int:
        with self._lock:
            return len(self._quarantine)

    def close(self) -> None:
        self._residency.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            left = [future for waiters in self._waiters.values() for future in waiters]
            self._waiters.clear()
        for future in left:
            future.cancel()

    def _load(self, key: K) -> None:
        try:
            value = self._read(key)
        except HmiError as error:
            self._fail(key, error)
        except Exception as exc:  # noqa: BLE001 the edge of a thread: the item fails, the loader goes on
            self._fail(key, HmiError(ErrorCode.INTERNAL, f"loading {key} failed: {exc!r}"))
        else:
            self._succeed(key, value)

    def _read(self, key: K) -> V:
        num_bytes = self._source.measure(key)
        try:
            self._residency.begin_load(key, num_bytes, timeout_s=self._room_timeout_s)
        except NoRoom as exc:
            raise BudgetExceeded(
                f"{key}: {exc}", needed_bytes=num_bytes, free_bytes=0, retryable=True
            ) from exc
        try:
            return self._source.read(key)
        except BaseException:
            self._residency.abort_load(key)
            raise

    def _succeed(self, key: K, value: V) -> None:
        with self._lock:
            waiters = self._waiters.pop(key)
            leases = self._residency.finish_load(key, value, num_leases=len(waiters))
        for future, lease in zip(waiters, leases, strict=True):
            if future.set_running_or_notify_cancel():
                future.set_result(lease)
            else:
                lease.release()

    def _fail(self, key: K, error: HmiError) -> None:
        with self._lock:
            waiters = self._waiters.pop(key)
            if not error.retryable:
                self._quarantine[key] = error
        for future in waiters:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)


def _let_go(future: "Future[Lease[K, Reservation, V]]") -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().release()
