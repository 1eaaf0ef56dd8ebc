"""Who goes first when a tier is full."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)


class EvictionPolicy(Protocol[K]):
    """The order in which items are given up. Knows keys only; Residency decides which of them may go."""

    def touch(self, key: K) -> None:
        """``key`` was loaded or used now."""

    def forget(self, key: K) -> None:
        """``key`` is gone; an unknown one is ignored."""

    def candidates(self) -> Iterator[K]:
        """All known keys, the one to give up first at the front. Must not be changed while it is read."""


class LeastRecentlyUsed(Generic[K]):
    """Gives up what was not touched for the longest time."""

    def __init__(self) -> None:
        self._keys: OrderedDict[K, None] = OrderedDict()

    def touch(self, key: K) -> None:
        self._keys[key] = None
        self._keys.move_to_end(key)

    def forget(self, key: K) -> None:
        self._keys.pop(key, None)

    def candidates(self) -> Iterator[K]:
        return iter(self._keys)
