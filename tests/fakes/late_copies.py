"""Copies to the device that arrive as late as they may: when a forward waits for them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

from hmi.model.device_copies import Event, Stream


class LateCopies:
    """DeviceCopies over tensors on a processor, ``arenas``: what is written to them while copying() is taken
    away again, and put there by a forward() that comes after a later mark()."""

    def __init__(self) -> None:
        self.arenas: Sequence[Tensor] = ()
        self.num_begun = 0
        self.num_hosted = 0
        self._depth = 0
        self._versions: list[list[Tensor]] = []

    def begin(self) -> None:
        self.num_begun += 1

    def hosted(self, tensor: Tensor) -> Tensor:
        self.num_hosted += 1
        return tensor

    def host_rows(self, num_rows: int, width: int) -> Tensor:
        return torch.empty(num_rows, width)

    @contextmanager
    def copying(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > 1:
            yield
            self._depth -= 1
            return
        before = [arena.clone() for arena in self.arenas]
        self._put(self._versions[-1] if self._versions else before)
        yield
        self._versions.append([arena.clone() for arena in self.arenas])
        self._put(before)
        self._depth = 0

    def mark(self) -> Event:
        # Within retrieval's own copying(), before which the promotions ended.
        return _Version(len(self._versions))

    def forward(self, after: Event | None) -> AbstractContextManager[object]:
        assert isinstance(after, _Version)
        return self._with(self._versions[after.number - 1])

    @contextmanager
    def _with(self, version: list[Tensor]) -> Iterator[None]:
        before = [arena.clone() for arena in self.arenas]
        self._put(version)
        yield
        self._put(before)  # and what comes later waits for itself

    def _put(self, version: Sequence[Tensor]) -> None:
        for arena, content in zip(self.arenas, version, strict=True):
            arena.copy_(content)


class _Version:
    def __init__(self, number: int) -> None:
        self.number = number

    def record(self, stream: Stream, /) -> None:
        raise AssertionError("a version is no event of a stream")
