"""Copies to the device: a forward reads what was copied for it; a processor is asked for nothing."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from hmi.model.device_copies import SameMemory, StreamCopies, device_copies
from tests.fakes.device_library import FakeDeviceLibrary


class Device:
    """Slots on a fake device, written and read through StreamCopies."""

    def __init__(self, *, num_forwards: int = 2) -> None:
        self.library = FakeDeviceLibrary()
        self.copies = StreamCopies(self.library, num_forwards=num_forwards)
        self.slots: dict[int, str] = {}
        self.read: list[str | None] = []

    def write(self, slot: int, weights: str) -> None:
        with self.copies.copying():
            self.library.do(lambda: self.slots.update({slot: weights}))

    def give_read(self, slot: int) -> None:
        self.library.do(lambda: self.read.append(self.slots.get(slot)))


def test_a_forward_reads_what_was_copied_before_its_mark() -> None:
    device = Device()
    device.write(3, "acme")
    with device.copies.forward(device.copies.mark()):
        device.give_read(3)
    assert device.read == ["acme"]


def test_the_fake_shows_a_forward_that_does_not_wait() -> None:
    device = Device()
    too_early = device.copies.mark()
    device.write(3, "acme")
    with device.copies.forward(too_early):
        device.give_read(3)
    assert device.read == [None]


def test_a_forward_waits_for_no_copy_after_its_mark() -> None:
    device = Device()
    device.write(1, "acme")
    mark = device.copies.mark()
    device.write(2, "globex")
    with device.copies.forward(mark):
        device.give_read(1)
    assert device.read == ["acme"]
    assert device.slots == {1: "acme"}, "the next batch's copies are still under way"


def test_copies_follow_each_other() -> None:
    device = Device()
    device.write(1, "acme")
    device.write(1, "nobody")
    device.write(1, "globex")
    with device.copies.forward(device.copies.mark()):
        device.give_read(1)
    assert device.read == ["globex"]


def test_as_many_forwards_as_streams_run_beside_each_other() -> None:
    device = Device(num_forwards=2)
    device.write(1, "acme")
    with device.copies.forward(device.copies.mark()):
        device.give_read(1)
        device.write(2, "globex")
        with device.copies.forward(device.copies.mark()):
            device.give_read(2)
        assert device.read == ["globex"], "the end of one waits for no other"
    assert device.read == ["globex", "acme"]
    assert len(device.library.streams) == 3, "one for copies, one for each forward"
    assert device.library.num_synchronized == 0, "nobody waits for the whole device"


def test_a_forward_that_fails_ends_and_gives_its_stream_back() -> None:
    device = Device(num_forwards=1)
    for _ in range(3):
        with (
            pytest.raises(RuntimeError, match="broken"),
            device.copies.forward(device.copies.mark()),
        ):
            device.give_read(1)
            raise RuntimeError("broken")
    assert len(device.read) == 3, "nothing of it reads on"


def test_all_that_was_prepared_is_there_when_it_begins() -> None:
    device = Device()
    device.library.do(lambda: device.slots.update({0: "empty"}))
    device.copies.begin()
    assert device.slots == {0: "empty"} and device.library.num_synchronized == 1


def test_host_tensors_are_pinned_for_the_device_alone() -> None:
    device, tensor = Device(), torch.arange(3.0)
    assert torch.equal(device.copies.hosted(tensor), tensor)
    assert device.library.pinned[0] is tensor
    assert SameMemory().hosted(tensor) is tensor
    rows = device.copies.host_rows(5, 3)
    assert device.library.pinned[1] is rows and rows.shape == SameMemory().host_rows(5, 3).shape == (5, 3)


class _Calls(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.num_calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.num_calls += 1
        return func(*args, **(kwargs or {}))


def test_a_processor_is_asked_for_nothing() -> None:
    copies = device_copies("cpu", num_forwards=2)
    assert isinstance(copies, SameMemory)
    tensor = torch.zeros(2)
    with _Calls() as calls:
        copies.begin()
        copies.hosted(tensor)
        with copies.copying():
            mark = copies.mark()
        with copies.forward(mark):
            pass
    assert mark is None and calls.num_calls == 0


NUM_WEIGHTS = 2**24
LONG_CYCLES = 200_000_000
"""Of the device: a tenth of a second or more, in which nothing that follows on the stream can begin."""


@pytest.fixture
def on_a_gpu() -> tuple[StreamCopies, torch.Tensor]:
    """The real library's copies, and an arena of zeros."""
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    copies, arena = device_copies("cuda", num_forwards=2), torch.zeros(NUM_WEIGHTS, device="cuda")
    assert isinstance(copies, StreamCopies)
    copies.begin()
    return copies, arena


def write_late(copies: StreamCopies, arena: torch.Tensor, value: float) -> None:
    """From host memory, after what takes long; it is under way when this ends."""
    weights = copies.hosted(torch.full((NUM_WEIGHTS,), value))
    assert weights.is_pinned()
    with copies.copying():
        torch.cuda._sleep(LONG_CYCLES)  # type: ignore[no-untyped-call]
        arena.copy_(weights, non_blocking=True)
    assert not copies._copies.query()  # type: ignore[attr-defined]  # CUDA's has it


@pytest.mark.gpu
def test_a_forward_on_a_gpu_reads_what_was_copied_before_its_mark(
    on_a_gpu: tuple[StreamCopies, torch.Tensor],
) -> None:
    copies, arena = on_a_gpu
    write_late(copies, arena, 3.0)
    with copies.forward(copies.mark()):
        total = arena.sum().cpu()
    assert total == 3.0 * NUM_WEIGHTS


@pytest.mark.gpu
def test_a_forward_on_a_gpu_that_did_not_wait_would_show(on_a_gpu: tuple[StreamCopies, torch.Tensor]) -> None:
    copies, arena = on_a_gpu
    too_early = copies.mark()
    write_late(copies, arena, 3.0)
    with copies.forward(too_early):
        total = arena.sum().cpu()
    assert total == 0.0


@pytest.mark.gpu
def test_a_forward_on_a_gpu_waits_neither_for_later_copies_nor_for_another_forward(
    on_a_gpu: tuple[StreamCopies, torch.Tensor],
) -> None:
    copies, arena = on_a_gpu
    slow, quick = torch.ones(4, device="cuda"), torch.ones(4, device="cuda")
    assert slow.mul_(1).sum().cpu() == 4  # kernels are loaded at their first use, for which all waits
    mark = copies.mark()
    write_late(copies, arena, 3.0)
    with copies.forward(mark):
        torch.cuda._sleep(LONG_CYCLES)  # type: ignore[no-untyped-call]
        slow.mul_(2)
        outer = torch.cuda.current_stream()
        with copies.forward(mark):
            assert quick.sum().cpu() == 4
        assert not outer.query() and not copies._copies.query()  # type: ignore[attr-defined]
    assert slow.sum().cpu() == 8
    copies.begin()
    assert arena[0] == 3.0
