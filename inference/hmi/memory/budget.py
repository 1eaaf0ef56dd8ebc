"""A hard limit in bytes of one tier: reserve before allocating, release after freeing."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from hmi.base.errors import BudgetExceeded
from hmi.memory.tier import MemoryTier


@dataclass(frozen=True, slots=True)
class Reservation:
    """Bytes that were granted for one kind of content; given back with Budget.release."""

    kind: str
    num_bytes: int


class Budget:
    """The bytes of one tier, by kind of content. Thread-safe; never grants more than ``max_bytes`` in all."""

    def __init__(self, tier: MemoryTier, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ValueError(f"a budget of {max_bytes} bytes is negative")
        self.tier = tier
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._bytes_of_kind: dict[str, int] = {}

    @property
    def used_bytes(self) -> int:
        with self._lock:
            return sum(self._bytes_of_kind.values())

    @property
    def free_bytes(self) -> int:
        return self.max_bytes - self.used_bytes

    def used_by_kind(self) -> Mapping[str, int]:
        """Kind of content -> bytes granted for it now."""
        with self._lock:
            return dict(self._bytes_of_kind)

    def reserve(self, kind: str, num_bytes: int) -> Reservation:
        """Grant ``num_bytes`` or raise BudgetExceeded, which names what is wanted, used and allowed."""
        if num_bytes < 0:
            raise ValueError(f"cannot reserve {num_bytes} bytes")
        with self._lock:
            self._grant(kind, num_bytes)
        return Reservation(kind, num_bytes)

    def resize(self, reservation: Reservation, num_bytes: int) -> Reservation:
        """In place of ``reservation``, one of ``num_bytes``: for what grows while it is used. Nobody else
        gets its bytes meanwhile. Raises BudgetExceeded, and then changes nothing, when there is no room."""
        if num_bytes < 0:
            raise ValueError(f"cannot reserve {num_bytes} bytes")
        with self._lock:
            self._grant(reservation.kind, num_bytes - reservation.num_bytes)
        return Reservation(reservation.kind, num_bytes)

    def release(self, reservation: Reservation) -> None:
        """Give a reservation back. Each reservation is released once; a second time is a bug and raises."""
        with self._lock:
            left = self._bytes_of_kind.get(reservation.kind, 0) - reservation.num_bytes
            if left < 0:
                raise RuntimeError(f"{reservation.kind}: {-left} bytes more were released than reserved")
            self._bytes_of_kind[reservation.kind] = left

    def _grant(self, kind: str, num_bytes: int) -> None:
        """So many bytes more, or less; under the lock."""
        used = sum(self._bytes_of_kind.values())
        if used + num_bytes > self.max_bytes:
            raise BudgetExceeded(
                f"{kind} needs {num_bytes:_} bytes; the {self.tier} budget has "
                f"{self.max_bytes - used:_} of {self.max_bytes:_} left",
                needed_bytes=num_bytes,
                free_bytes=self.max_bytes - used,
            )
        self._bytes_of_kind[kind] = self._bytes_of_kind.get(kind, 0) + num_bytes
