"""How copies to the device run beside forwards: on a processor they are there at once, on CUDA they have a
stream of their own, and a forward waits for those that it needs.

The order of streams and events is tested with a fake of the library, and with CUDA's own where there is one:
on an H100 it has run, but for host_rows().
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from queue import SimpleQueue
from typing import Protocol, cast

import torch
from torch import Tensor


class Event(Protocol):
    """A moment on a stream."""

    def record(self, stream: "Stream", /) -> None:
        """It comes when what was given to ``stream`` so far is done."""


class Stream(Protocol):
    """Work that the device does in order."""

    def wait_event(self, event: Event, /) -> None:
        """What is given to the stream from now on begins after ``event``."""

    def synchronize(self) -> None:
        """Wait until what was given to it is done."""


class DeviceLibrary(Protocol):
    """What is used of torch.cuda."""

    def stream(self) -> Stream:
        """A new one."""

    def event(self) -> Event:
        """A new one."""

    def use(self, stream: Stream) -> AbstractContextManager[object]:
        """Meanwhile the calling thread's work goes to ``stream``."""

    def synchronize(self) -> None:
        """Wait until all streams are done."""

    def pin(self, tensor: Tensor) -> Tensor:
        """A copy of it in memory that the device reads by itself."""

    def empty_pinned(self, num_rows: int, width: int) -> Tensor:
        """float32 in such memory, not yet written."""


class DeviceCopies(Protocol):
    """copying() and mark() from the engine thread; the others from any.

    What a forward may read was copied before its mark(). What it reads is not written again before it has
    ended: leases see to that.
    """

    def begin(self) -> None:
        """All is allocated and prepared; from now on copies and forwards run beside each other."""

    def hosted(self, tensor: Tensor) -> Tensor:
        """``tensor`` in host memory from which it can be copied beside forwards."""

    def host_rows(self, num_rows: int, width: int) -> Tensor:
        """float32 in host memory, to be written and then copied as quickly as can be."""

    def copying(self) -> AbstractContextManager[object]:
        """What is written to the device meanwhile need not be there when it ends."""

    def mark(self) -> Event | None:
        """For forward(): everything that was written until now."""

    def forward(self, after: Event | None) -> AbstractContextManager[object]:
        """What is computed meanwhile comes after ``after``, a mark(); when it ends it is done."""


class SameMemory:
    """Of a processor: what is written is there. It asks nothing of any library."""

    _NOTHING = nullcontext()

    def begin(self) -> None:
        pass

    def hosted(self, tensor: Tensor) -> Tensor:
        return tensor

    def host_rows(self, num_rows: int, width: int) -> Tensor:
        return torch.empty(num_rows, width)

    def copying(self) -> AbstractContextManager[object]:
        return self._NOTHING

    def mark(self) -> Event | None:
        return None

    def forward(self, after: Event | None) -> AbstractContextManager[object]:
        return self._NOTHING


class StreamCopies:
    """A stream for copies, and one for each of the forwards that are computed at a time."""

    def __init__(self, library: DeviceLibrary, *, num_forwards: int) -> None:
        self._library = library
        self._copies = library.stream()
        self._forwards: SimpleQueue[Stream] = SimpleQueue()  # those that nobody uses
        for _ in range(num_forwards):
            self._forwards.put(library.stream())

    def begin(self) -> None:
        self._library.synchronize()

    def hosted(self, tensor: Tensor) -> Tensor:
        return self._library.pin(tensor)

    def host_rows(self, num_rows: int, width: int) -> Tensor:
        return self._library.empty_pinned(num_rows, width)

    def copying(self) -> AbstractContextManager[object]:
        return self._library.use(self._copies)

    def mark(self) -> Event | None:
        event = self._library.event()
        event.record(self._copies)
        return event

    @contextmanager
    def forward(self, after: Event | None) -> Iterator[None]:
        assert after is not None, "a mark of mark()"
        stream = self._forwards.get()
        try:
            stream.wait_event(after)
            with self._library.use(stream):
                yield
        finally:
            stream.synchronize()  # also when it failed: nothing of it may still read
            self._forwards.put(stream)


class Cuda:
    """The DeviceLibrary of one CUDA device."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def stream(self) -> Stream:
        # Cast: it takes none but CUDA's own events.
        return cast(Stream, torch.cuda.Stream(self._device))  # type: ignore[no-untyped-call]

    def event(self) -> Event:
        return cast(Event, torch.cuda.Event())  # type: ignore[no-untyped-call]

    def use(self, stream: Stream) -> AbstractContextManager[object]:
        assert isinstance(stream, torch.cuda.Stream)
        return torch.cuda.stream(stream)

    def synchronize(self) -> None:
        torch.cuda.synchronize(self._device)

    def pin(self, tensor: Tensor) -> Tensor:
        return tensor.pin_memory()

    def empty_pinned(self, num_rows: int, width: int) -> Tensor:
        return torch.empty(num_rows, width, pin_memory=True)


def device_copies(device: str, *, num_forwards: int) -> DeviceCopies:
    """For ``device``, on which so many forwards are computed at a time."""
    place = torch.device(device)
    return StreamCopies(Cuda(place), num_forwards=num_forwards) if place.type == "cuda" else SameMemory()
