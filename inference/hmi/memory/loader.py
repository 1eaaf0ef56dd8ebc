"""Brings items from disk into the host tier on threads of its own, each item once however many ask for it."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Hashable, Mapping
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from hmi.base.errors import BudgetExceeded, Failed, HmiError, NotReady
from hmi.memory.budget import Reservation
from hmi.memory.residency import Lease, Residency, ResidencyState
from hmi.memory.room import NoRoom

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
        self._num_threads = num_threads
        self._name = name
        self._prepare_thread = prepare_thread
        self._lock = threading.Lock()
        self._waiters: dict[K, list[Callable[[Lease[K, Reservation, V] | HmiError], None]]] = {}
        self._quarantine: dict[K, HmiError] = {}
        self._wanted: deque[K] = deque()
        self._ahead: OrderedDict[K, None] = OrderedDict()  # nobody waits for them
        self._wake = threading.Condition(self._lock)
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def fetch(self, key: K, arrived: Callable[[Lease[K, Reservation, V] | HmiError], None]) -> None:
        """Call ``arrived`` once: with a lease on the item in the host tier, which is the caller's to release,
        or with why there is none. At once, or later from a thread of the loader."""
        self._fetch(key, arrived, is_awaited=True)

    def acquire(self, key: K) -> "Future[Lease[K, Reservation, V]]":
        """As fetch(), a future lease. A caller that cancels it holds nothing."""
        future: Future[Lease[K, Reservation, V]] = Future()

        def arrived(found: Lease[K, Reservation, V] | HmiError) -> None:
            if not future.set_running_or_notify_cancel():
                _let_go(found)
            elif isinstance(found, HmiError):
                future.set_exception(found)
            else:
                future.set_result(found)

        self.fetch(key, arrived)
        return future

    def acquire_now(self, key: K) -> Lease[K, Reservation, V] | None:
        """A lease on the item if it is in the host tier and sound; None: acquire() tells, in time."""
        if self._residency.state(key) is not ResidencyState.RESIDENT:
            return None  # without a wait for the locks that those who load hold
        with self._lock:
            return None if key in self._quarantine else self._residency.acquire(key)

    def prefetch(self, key: K) -> None:
        """Bring the item into the host tier without holding it there."""
        self.fetch(key, _let_go)

    def prefetch_idle(self, key: K) -> None:
        """As prefetch(), once nothing is to be loaded that somebody waits for."""
        self._fetch(key, _let_go, is_awaited=False)

    def retain(self, keys: Collection[K]) -> None:
        """Forget the quarantined items that are not among ``keys``: what the catalog names now."""
        with self._lock:
            self._quarantine = {key: error for key, error in self._quarantine.items() if key in keys}

    def quarantine(self, key: K, error: HmiError) -> None:
        """From now on ``key`` fails with ``error``: it was found broken after it had been loaded."""
        with self._lock:
            self._quarantine[key] = error.again()
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
        with self._lock:
            self._is_closed = True
            self._wake.notify_all()
        self._residency.close()
        for thread in self._threads:
            thread.join()
        with self._lock:
            left = [arrived for waiters in self._waiters.values() for arrived in waiters]
            self._waiters.clear()
        for arrived in left:
            arrived(_closing())

    def _fetch(
        self, key: K, arrived: Callable[[Lease[K, Reservation, V] | HmiError], None], *, is_awaited: bool
    ) -> None:
        found: Lease[K, Reservation, V] | HmiError | None
        with self._lock:
            waiters = self._waiters.get(key)
            if waiters is not None:
                waiters.append(arrived)
                if is_awaited and key in self._ahead:
                    del self._ahead[key]
                    self._wanted.append(key)
                return
            broken = self._quarantine.get(key)
            found = self._residency.acquire(key) if broken is None else broken.again()
            if found is None and self._is_closed:
                found = _closing()
            if found is None:
                self._waiters[key] = [arrived]
                if is_awaited:
                    self._wanted.append(key)
                else:
                    self._ahead[key] = None
                self._wake.notify()
                if len(self._threads) < self._num_threads:
                    self._begin_thread()
                return
        arrived(found)

    def _begin_thread(self) -> None:
        name = f"{self._name}_{len(self._threads)}"
        thread = threading.Thread(target=self._load_wanted, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _load_wanted(self) -> None:
        if self._prepare_thread is not None:
            self._prepare_thread()
        while (key := self._next()) is not None:
            self._load(key)

    def _next(self) -> K | None:
        """What to load, when there is something; None: the thread ends."""
        with self._wake:
            self._wake.wait_for(lambda: self._wanted or self._ahead or self._is_closed)
            if self._is_closed:
                return None
            return self._wanted.popleft() if self._wanted else self._ahead.popitem(last=False)[0]

    def _load(self, key: K) -> None:
        try:
            value = self._read(key)
        except HmiError as error:
            self._fail(key, error)
        except Exception as exc:  # noqa: BLE001 the edge of a thread: the item fails, the loader goes on
            # No files or no memory left, a disk that errs: the item may be sound.
            is_machines = isinstance(exc, OSError | MemoryError)
            message = f"loading {key} failed: {exc!r}"
            self._fail(key, Failed(message, retryable=is_machines))
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
        for arrived, lease in zip(waiters, leases, strict=True):
            arrived(lease)

    def _fail(self, key: K, error: HmiError) -> None:
        with self._lock:
            waiters = self._waiters.pop(key)
            if not error.retryable:
                self._quarantine[key] = error.again()
        for arrived in waiters:
            arrived(error)


def _let_go(found: Lease[K, Reservation, V] | HmiError) -> None:
    if isinstance(found, Lease):
        found.release()


def _closing() -> NotReady:
    return NotReady("the service is closing")
