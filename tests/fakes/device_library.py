"""A device that does nothing before it must: what nobody waits for has not happened."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from hmi.model.device_copies import Event, Stream


@dataclass(eq=False)
class FakeEvent:
    stream: "FakeStream | None" = None
    is_past: bool = False

    def record(self, stream: Stream, /) -> None:
        assert isinstance(stream, FakeStream)
        self.stream = stream
        stream.todo.append(self._come)

    def come(self) -> None:
        """Do what its stream was given before it."""
        assert self.stream is not None, "waited for and never recorded: CUDA would not wait at all"
        while not self.is_past:
            self.stream.todo.popleft()()

    def _come(self) -> None:
        self.is_past = True


@dataclass(eq=False)
class FakeStream:
    todo: deque[Callable[[], None]] = field(default_factory=deque)

    def wait_event(self, event: Event, /) -> None:
        assert isinstance(event, FakeEvent)
        self.todo.append(event.come)

    def synchronize(self) -> None:
        while self.todo:
            self.todo.popleft()()


class FakeDeviceLibrary:
    """A DeviceLibrary. A stream's work is done, in order, when somebody waits for it and no sooner, and of
    other streams only what it waits for itself: the latest that a device may do it."""

    def __init__(self) -> None:
        self.default = FakeStream()
        self.streams: list[FakeStream] = []
        self.num_synchronized = 0  # of all streams together
        self.pinned: list[Tensor] = []
        self._current = [self.default]

    def do(self, work: Callable[[], None]) -> None:
        """Give ``work`` to the current stream, as an operation on the device does."""
        self._current[-1].todo.append(work)

    def stream(self) -> FakeStream:
        self.streams.append(FakeStream())
        return self.streams[-1]

    def event(self) -> FakeEvent:
        return FakeEvent()

    @contextmanager
    def use(self, stream: Stream) -> Iterator[None]:
        assert isinstance(stream, FakeStream)
        self._current.append(stream)
        try:
            yield
        finally:
            self._current.pop()

    def synchronize(self) -> None:
        self.num_synchronized += 1
        for stream in (self.default, *self.streams):
            stream.synchronize()

    def pin(self, tensor: Tensor) -> Tensor:
        self.pinned.append(tensor)
        return tensor.clone()

    def empty_pinned(self, num_rows: int, width: int) -> Tensor:
        self.pinned.append(torch.empty(num_rows, width))
        return self.pinned[-1]
