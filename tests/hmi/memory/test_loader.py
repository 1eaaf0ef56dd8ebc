"""Loader: each item once, on its own threads, a broken one alone."""

import contextlib
import gc
import threading
import weakref

import pytest

from hmi.base.errors import BudgetExceeded, BundleBroken, HmiError, NotReady, StoreUnavailable
from hmi.memory.budget import Budget
from hmi.memory.eviction import LeastRecentlyUsed
from hmi.memory.loader import Loader
from hmi.memory.residency import Residency
from hmi.memory.room import ByteRoom
from hmi.memory.tier import MemoryTier
from wire.errors import ErrorCode

WAIT_S = 60


class FakeDisk:
    """Items of 40 bytes; a gate per key lets a test hold a read back."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.threads: set[str] = set()
        self.errors: dict[str, Exception] = {}
        self.gates: dict[str, threading.Event] = {}
        self.started = threading.Event()

    def measure(self, key: str) -> int:
        return 40

    def read(self, key: str) -> str:
        self.reads.append(key)
        self.threads.add(threading.current_thread().name)
        self.started.set()
        if key in self.gates:
            assert self.gates[key].wait(WAIT_S)
        if key in self.errors:
            raise self.errors[key]
        return key.upper()


class World:
    def __init__(self, max_bytes: int = 100, room_timeout_s: float = 0.05, num_threads: int = 2) -> None:
        self.disk = FakeDisk()
        self.budget = Budget(MemoryTier.HOST, max_bytes)
        self.loader: Loader[str, str] = Loader(
            self.disk,
            Residency(ByteRoom(self.budget, kind="items", max_bytes=max_bytes), LeastRecentlyUsed()),
            num_threads=num_threads,
            room_timeout_s=room_timeout_s,
            name="test-loader",
        )


def test_each_of_its_threads_is_prepared_before_it_reads() -> None:
    prepared: set[str] = set()
    disk = FakeDisk()
    budget = Budget(MemoryTier.HOST, 100)
    loader: Loader[str, str] = Loader(
        disk,
        Residency(ByteRoom(budget, kind="items", max_bytes=100), LeastRecentlyUsed()),
        num_threads=2,
        room_timeout_s=0.05,
        name="test-prepared",
        prepare_thread=lambda: prepared.add(threading.current_thread().name),
    )
    loader.acquire("a").result(WAIT_S).release()
    assert disk.threads <= prepared
    loader.close()


def test_it_reads_an_item_once_however_many_ask() -> None:
    world = World()
    world.disk.gates["a"] = threading.Event()
    futures = [world.loader.acquire("a") for _ in range(5)]
    world.disk.gates["a"].set()
    leases = [future.result(WAIT_S) for future in futures]
    assert [lease.value for lease in leases] == ["A"] * 5
    assert world.disk.reads == ["a"]
    for lease in leases:
        lease.release()
    world.loader.close()


def test_what_is_in_the_host_tier_and_sound_is_leased_at_once() -> None:
    world = World()
    assert world.loader.acquire_now("a") is None
    world.loader.acquire("a").result(WAIT_S).release()
    lease = world.loader.acquire_now("a")
    assert lease is not None
    assert lease.value == "A"
    world.loader.quarantine("a", BundleBroken("not finite"))  # it stays, under lease
    assert world.loader.acquire_now("a") is None
    lease.release()
    assert world.disk.reads == ["a"]
    world.loader.close()


def test_it_reads_on_threads_of_its_own() -> None:
    world = World()
    world.loader.acquire("a").result(WAIT_S).release()
    assert threading.current_thread().name not in world.disk.threads
    world.loader.close()


def test_a_slow_load_does_not_hold_up_another() -> None:
    world = World()
    world.disk.gates["slow"] = threading.Event()
    slow = world.loader.acquire("slow")
    assert world.loader.acquire("quick").result(WAIT_S).value == "QUICK"
    assert not slow.done()
    world.disk.gates["slow"].set()
    assert slow.result(WAIT_S).value == "SLOW"
    world.loader.close()


def test_it_has_no_more_threads_than_it_may() -> None:
    world = World(num_threads=1)
    world.disk.gates["a"] = threading.Event()
    futures = [world.loader.acquire(key) for key in "ab"]
    assert sum(thread.name.startswith("test-loader") for thread in threading.enumerate()) == 1
    world.disk.gates["a"].set()
    for future in futures:
        future.result(WAIT_S).release()
    world.loader.close()


def test_what_is_brought_near_and_broken_harms_nobody() -> None:
    world = World(num_threads=1)
    world.disk.errors["bad"] = BundleBroken("bad is truncated")
    world.loader.prefetch("bad")
    assert world.loader.acquire("good").result(WAIT_S).value == "GOOD"
    assert world.loader.quarantined().keys() == {"bad"}
    world.loader.close()


def test_a_broken_item_fails_alone_and_is_not_read_again() -> None:
    world = World()
    world.disk.errors["bad"] = BundleBroken("bad is truncated")
    for _ in range(2):
        with pytest.raises(BundleBroken, match="truncated"):
            world.loader.acquire("bad").result(WAIT_S)
    assert world.disk.reads == ["bad"]
    assert world.loader.acquire("good").result(WAIT_S).value == "GOOD"
    assert world.budget.used_bytes == 40  # the broken one holds nothing
    world.loader.close()


def test_a_broken_item_is_tried_again_once_the_catalog_has_dropped_it() -> None:
    world = World()
    world.disk.errors["bad"] = BundleBroken("bad is truncated")
    with pytest.raises(BundleBroken):
        world.loader.acquire("bad").result(WAIT_S)
    world.loader.retain({"bad"})
    assert world.loader.num_quarantined == 1
    world.loader.retain({"other"})
    del world.disk.errors["bad"]
    assert world.loader.acquire("bad").result(WAIT_S).value == "BAD"
    world.loader.close()


def test_an_item_that_may_come_back_is_not_quarantined() -> None:
    world = World()
    world.disk.errors["a"] = StoreUnavailable("the store is away")
    with pytest.raises(StoreUnavailable):
        world.loader.acquire("a").result(WAIT_S)
    del world.disk.errors["a"]
    assert world.loader.acquire("a").result(WAIT_S).value == "A"
    world.loader.close()


def test_a_bug_in_reading_fails_the_item_and_not_the_loader() -> None:
    world = World()
    world.disk.errors["a"] = ZeroDivisionError("of what is the operator's")
    with pytest.raises(HmiError) as caught:
        world.loader.acquire("a").result(WAIT_S)
    assert caught.value.code is ErrorCode.INTERNAL
    assert "operator's" in caught.value.message
    assert "of what" not in caught.value.told, "a tenant reads that"
    assert world.loader.acquire("b").result(WAIT_S).value == "B"
    world.loader.close()


class Content:
    """Something large."""


class CutDisk(FakeDisk):
    """What it has read of an item is no whole one."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: list[weakref.ref[Content]] = []

    def read(self, key: str) -> str:
        content = Content()
        self.contents.append(weakref.ref(content))
        raise BundleBroken(f"{key} is truncated")


def test_what_was_found_broken_later_keeps_nothing_of_where_it_was_found() -> None:
    world = World()

    def find_broken() -> weakref.ref[Content]:
        content = Content()
        try:
            raise BundleBroken("not finite")
        except BundleBroken as error:
            world.loader.quarantine("a", error)
        return weakref.ref(content)

    found = find_broken()
    gc.collect()
    assert found() is None
    with pytest.raises(BundleBroken, match="not finite"):
        world.loader.acquire("a").result(WAIT_S)
    world.loader.close()


def test_a_broken_item_keeps_nothing_of_itself_nor_of_those_who_asked_for_it() -> None:
    """Its error kept the frames that it had been raised through: the content, and all requests for it."""
    disk = CutDisk()
    room = ByteRoom(Budget(MemoryTier.HOST, 100), kind="items", max_bytes=100)
    loader: Loader[str, str] = Loader(
        disk, Residency(room, LeastRecentlyUsed()), num_threads=1, room_timeout_s=0.05, name="cut"
    )
    kept = disk.contents

    def ask() -> None:
        body = Content()
        kept.append(weakref.ref(body))
        loader.acquire("bad").result(WAIT_S)

    for _ in range(3):
        with contextlib.suppress(BundleBroken):
            ask()
    loader.close()
    gc.collect()
    assert len(kept) == 4 and not any(each() for each in kept)
    assert [str(error) for error in loader.quarantined().values()] == ["bad is truncated"]


@pytest.mark.parametrize("trouble", [OSError(24, "Too many open files"), MemoryError()])
def test_trouble_of_the_machine_is_not_held_against_the_item(trouble: Exception) -> None:
    """An adapter that could not be read once failed until its task was given another."""
    world = World()
    world.disk.errors["a"] = trouble
    with pytest.raises(HmiError) as caught:
        world.loader.acquire("a").result(WAIT_S)
    assert caught.value.retryable
    del world.disk.errors["a"]
    assert world.loader.acquire("a").result(WAIT_S).value == "A"
    world.loader.close()


def test_a_full_tier_refuses_after_its_patience_and_says_so() -> None:
    world = World()
    held = [world.loader.acquire(key).result(WAIT_S) for key in "ab"]
    with pytest.raises(BudgetExceeded, match="in use") as caught:
        world.loader.acquire("c").result(WAIT_S)
    assert caught.value.retryable
    for lease in held:
        lease.release()
    assert world.loader.acquire("c").result(WAIT_S).value == "C"
    world.loader.close()


def test_a_caller_that_cancels_holds_nothing() -> None:
    world = World()
    world.disk.gates["a"] = threading.Event()
    future = world.loader.acquire("a")
    assert future.cancel()
    other = world.loader.acquire("a")
    world.disk.gates["a"].set()
    other.result(WAIT_S).release()
    for key in "bc":  # only fits when nobody holds a
        world.loader.acquire(key).result(WAIT_S)
    world.loader.close()


def test_prefetching_holds_nothing() -> None:
    world = World()
    world.loader.prefetch("a")
    for key in "abc":
        world.loader.acquire(key).result(WAIT_S).release()
    world.loader.close()


def test_what_somebody_waits_for_goes_before_what_is_only_prefetched() -> None:
    world = World(max_bytes=1000, num_threads=1)
    world.disk.gates["x"] = threading.Event()
    world.loader.prefetch("x")
    for key in "abcdef":
        world.loader.prefetch_idle(key)
    asked = [world.loader.acquire(key) for key in ("z", "e", "z")]
    world.disk.gates["x"].set()
    for future in asked:
        future.result(WAIT_S).release()
    world.loader.acquire("d").result(WAIT_S).release()
    assert world.disk.reads[:3] == ["x", "z", "e"]
    world.loader.close()


def test_what_is_only_prefetched_is_loaded_once_and_held_by_nobody() -> None:
    world = World(max_bytes=40)
    world.loader.prefetch_idle("a")
    assert world.disk.started.wait(WAIT_S)
    for key in ("a", "b"):  # each fits alone
        world.loader.acquire(key).result(WAIT_S).release()
    assert world.disk.reads == ["a", "b"]
    world.loader.close()


def test_closing_ends_those_who_wait() -> None:
    world = World(room_timeout_s=WAIT_S)
    for key in "ab":
        world.loader.acquire(key).result(WAIT_S)
    waiting = [world.loader.acquire(key) for key in "cdef"]
    world.loader.close()
    for future in waiting:
        with pytest.raises((BudgetExceeded, NotReady)):
            future.result(WAIT_S)
    with pytest.raises(NotReady):
        world.loader.acquire("g").result(WAIT_S)
