"""Residency against a naive oracle, and its promises one by one."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from hmi.base.errors import BudgetExceeded
from hmi.memory.budget import Budget, Reservation
from hmi.memory.eviction import LeastRecentlyUsed
from hmi.memory.residency import Lease, Residency, ResidencyState, release_all
from hmi.memory.room import ByteRoom, NoRoom, SlotRoom
from hmi.memory.slots import Slot, SlotPool
from hmi.memory.tier import MemoryTier

KEYS = st.sampled_from("abcdefgh")
BYTES = 100
PATIENCE_S = 600  # longer than a test may take: who is not woken fails it


def byte_residency(
    max_bytes: int = BYTES, on_evict: Callable[[str, Reservation, str], None] | None = None
) -> Residency[str, Reservation, str]:
    budget = Budget(MemoryTier.HOST, max_bytes)
    return Residency(
        ByteRoom(budget, kind="items", max_bytes=max_bytes), LeastRecentlyUsed(), on_evict=on_evict
    )


def load(residency: Residency[str, Reservation, str], key: str, num_bytes: int = 40) -> None:
    residency.begin_load(key, num_bytes)
    residency.finish_load(key, key.upper())


def test_a_loaded_item_can_be_leased() -> None:
    residency = byte_residency()
    load(residency, "a")
    lease = residency.acquire("a")
    assert lease is not None and lease.value == "A"
    lease.release()
    residency.check_integrity()


def test_the_least_recently_used_item_goes_first() -> None:
    residency = byte_residency()
    load(residency, "a")
    load(residency, "b")
    assert residency.touch("a")
    load(residency, "c")
    assert residency.state("a") is ResidencyState.RESIDENT
    assert residency.state("b") is ResidencyState.ABSENT


def test_a_leased_item_is_never_evicted() -> None:
    residency = byte_residency()
    load(residency, "a")
    load(residency, "b")
    leases = [residency.acquire(key) for key in "ab"]
    with pytest.raises(NoRoom):
        residency.begin_load("c", 40)
    for lease in leases:
        assert lease is not None
        lease.release()
    load(residency, "c")  # the leases have ended


def test_an_item_larger_than_the_tier_is_refused_with_the_numbers() -> None:
    with pytest.raises(BudgetExceeded, match=r"200 bytes.*100 bytes"):
        byte_residency().begin_load("a", 200)


def test_a_failed_load_gives_its_place_back() -> None:
    residency = byte_residency()
    residency.begin_load("a", 100)
    residency.abort_load("a")
    load(residency, "b", 100)
    residency.check_integrity()


def test_an_item_that_is_loading_cannot_be_leased_or_loaded_again() -> None:
    residency = byte_residency()
    residency.begin_load("a", 40)
    assert residency.acquire("a") is None
    with pytest.raises(RuntimeError, match="already loading"):
        residency.begin_load("a", 40)


def test_waiters_get_their_leases_before_anything_can_evict() -> None:
    residency = byte_residency()
    residency.begin_load("a", 100)
    leases = residency.finish_load("a", "A", num_leases=2)
    with pytest.raises(NoRoom):
        residency.begin_load("b", 100)
    for lease in leases:
        lease.release()
    load(residency, "b", 100)


def test_a_lease_is_released_once() -> None:
    residency = byte_residency()
    load(residency, "a")
    lease = residency.acquire("a")
    assert lease is not None
    lease.release()
    with pytest.raises(RuntimeError, match="released twice"):
        lease.release()


class WatchedRoom(ByteRoom):
    """All of a tier, and whether it was ever asked for in vain."""

    def __init__(self) -> None:
        super().__init__(Budget(MemoryTier.HOST, BYTES), kind="items", max_bytes=BYTES)
        self.was_full = threading.Event()

    def take(self, num_bytes: int) -> Reservation:
        try:
            return super().take(num_bytes)
        except NoRoom:
            self.was_full.set()
            raise


class Waiter:
    """Asks on a thread of its own for all the room, of which there is none yet."""

    def __init__(self, residency: Residency[str, Reservation, str], room: WatchedRoom) -> None:
        self._answer: Future[Reservation] = Future()

        def ask() -> None:
            try:
                self._answer.set_result(residency.begin_load("waited for", BYTES, timeout_s=PATIENCE_S))
            except NoRoom as exc:
                self._answer.set_exception(exc)

        threading.Thread(target=ask, daemon=True).start()
        # It holds the residency's lock until it waits: whatever happens there from now on comes after.
        assert room.was_full.wait(60)

    def place(self) -> Reservation:
        """What it got; raises NoRoom where it got none."""
        return self._answer.result(60)


def watched_residency() -> tuple[Residency[str, Reservation, str], WatchedRoom]:
    room = WatchedRoom()
    return Residency(room, LeastRecentlyUsed()), room


def test_a_load_waits_for_a_lease_to_end() -> None:
    residency, room = watched_residency()
    load(residency, "a", BYTES)
    lease = residency.acquire("a")
    assert lease is not None
    waiter = Waiter(residency, room)
    lease.release()
    assert waiter.place().num_bytes == BYTES
    assert residency.state("a") is ResidencyState.ABSENT


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda residency: residency.finish_load("a", "A"), id="finished"),
        pytest.param(lambda residency: residency.abort_load("a"), id="failed"),
    ],
)
def test_a_load_waits_for_another_to_end(end: Callable[[Residency[str, Reservation, str]], object]) -> None:
    residency, room = watched_residency()
    residency.begin_load("a", BYTES)
    waiter = Waiter(residency, room)
    end(residency)
    assert waiter.place().num_bytes == BYTES
    assert residency.state("a") is ResidencyState.ABSENT


def test_a_lease_ends_with_its_block() -> None:
    residency = byte_residency()
    load(residency, "a")
    lease = residency.acquire("a")
    assert lease is not None
    with lease:
        assert not residency.evict("a")
    assert residency.evict("a")


def test_only_what_is_resident_is_had() -> None:
    residency = byte_residency()
    assert not residency.has("a")
    residency.begin_load("a", 40)
    assert not residency.has("a")
    residency.finish_load("a", "A")
    assert residency.has("a")


def test_one_is_given_up_at_a_time_until_none_can_be() -> None:
    residency = byte_residency()
    for key in "abc":
        load(residency, key, 30)
    assert residency.acquire("a") is not None
    assert residency.evict_one() and residency.resident_bytes().keys() == {"a", "c"}
    assert residency.evict_one() and residency.resident_bytes().keys() == {"a"}
    assert not residency.evict_one() and residency.has("a")


def test_leases_are_released_together_whatever_they_are_on() -> None:
    one, other = byte_residency(), byte_residency()
    load(one, "a", 40)
    load(one, "b", 40)
    load(other, "a", 40)
    leases = [one.acquire("a"), one.acquire("b"), other.acquire("a"), one.acquire("a")]
    release_all(lease for lease in leases if lease is not None)
    assert one.evict("a")
    assert one.evict("b")
    assert other.evict("a")
    release_all([])


def test_what_is_touched_together_is_kept_as_if_one_by_one() -> None:
    residency = byte_residency()
    for key in ("a", "b", "c"):
        load(residency, key, 30)
    residency.touch_all(["a", "b", "absent"])
    load(residency, "d", 40)
    assert residency.state("c") is ResidencyState.ABSENT
    assert residency.state("a") is residency.state("b") is ResidencyState.RESIDENT


def test_closing_wakes_those_who_wait_for_room() -> None:
    residency, room = watched_residency()
    load(residency, "a", BYTES)
    assert residency.acquire("a") is not None
    waiter = Waiter(residency, room)
    residency.close()
    with pytest.raises(NoRoom):
        waiter.place()


def test_a_pinned_item_outlives_what_is_used_more() -> None:
    residency: Residency[str, Reservation, str] = Residency(
        ByteRoom(Budget(MemoryTier.HOST, BYTES), kind="items", max_bytes=BYTES),
        LeastRecentlyUsed(),
        max_pinned_bytes=50,
    )
    load(residency, "a")
    assert residency.pin("a")
    for key in "bcd":
        load(residency, key)
        residency.check_integrity()
    assert residency.state("a") is ResidencyState.RESIDENT
    assert residency.evict("a") and not residency.pin("a")


def test_pins_are_bounded_and_the_oldest_gives_way() -> None:
    residency: Residency[str, Reservation, str] = Residency(
        ByteRoom(Budget(MemoryTier.HOST, BYTES), kind="items", max_bytes=BYTES),
        LeastRecentlyUsed(),
        max_pinned_bytes=50,
    )
    load(residency, "a")
    load(residency, "b")
    assert residency.pin("a") and residency.pin("b")
    residency.check_integrity()
    load(residency, "c")
    assert residency.state("a") is ResidencyState.ABSENT


def test_what_is_too_large_to_be_pinned_takes_no_others_pin() -> None:
    """The root of one tree, larger than what may be pinned, gave up those of all others."""
    residency: Residency[str, Reservation, str] = Residency(
        ByteRoom(Budget(MemoryTier.HOST, BYTES), kind="items", max_bytes=BYTES),
        LeastRecentlyUsed(),
        max_pinned_bytes=30,
    )
    load(residency, "root", 30)
    load(residency, "large", 31)
    assert residency.pin("root") and not residency.pin("large")
    assert residency.evict_one() and not residency.evict_one()
    assert residency.state("root") is ResidencyState.RESIDENT
    residency.check_integrity()


class SlotModel(RuleBasedStateMachine):
    """Three slots against a list in order of use: same items present, same one evicted, no slot shared."""

    leases: Bundle[Lease[str, Slot, str]] = Bundle("leases")
    loads: Bundle[str] = Bundle("loads")

    def __init__(self) -> None:
        super().__init__()
        self.wiped: list[str] = []
        self.residency: Residency[str, Slot, str] = Residency(
            SlotRoom(SlotPool(3)),
            LeastRecentlyUsed(),
            on_evict=lambda key, slot, value: self.wiped.append(key),
        )
        self.resident: list[str] = []  # oracle: least recently used first
        self.loading: set[str] = set()
        self.held: list[str] = []

    @rule(target=loads, key=KEYS)
    def begin_load(self, key: str) -> str:
        if key in self.resident or key in self.loading:
            with pytest.raises(RuntimeError):
                self.residency.begin_load(key, 1)
            return ""
        victim = next((item for item in self.resident if item not in self.held), None)
        if len(self.resident) + len(self.loading) == 3 and victim is None:
            with pytest.raises(NoRoom):
                self.residency.begin_load(key, 1)
            return ""
        if len(self.resident) + len(self.loading) == 3 and victim is not None:
            self.resident.remove(victim)
            self.residency.begin_load(key, 1)
            assert self.wiped[-1] == victim
        else:
            self.residency.begin_load(key, 1)
        self.loading.add(key)
        return key

    @rule(key=consumes(loads), is_good=st.booleans())
    def end_load(self, key: str, is_good: bool) -> None:
        if key not in self.loading:
            return
        self.loading.remove(key)
        if is_good:
            self.residency.finish_load(key, key)
            self.resident.append(key)
        else:
            self.residency.abort_load(key)

    @rule(target=leases, key=KEYS)
    def acquire(self, key: str) -> "MultipleResults[Lease[str, Slot, str]]":
        lease = self.residency.acquire(key)
        assert (lease is not None) == (key in self.resident)
        if lease is None:
            return multiple()
        assert lease.value == key
        self.resident.remove(key)
        self.resident.append(key)
        self.held.append(key)
        return multiple(lease)

    @rule(lease=consumes(leases))
    def release(self, lease: "Lease[str, Slot, str]") -> None:
        lease.release()
        self.held.remove(lease.key)

    @rule(key=KEYS)
    def evict(self, key: str) -> None:
        goes = key in self.resident and key not in self.held
        assert self.residency.evict(key) == goes
        if goes:
            self.resident.remove(key)

    @invariant()
    def agrees_with_the_oracle(self) -> None:
        self.residency.check_integrity()
        for key in "abcdefgh":
            state = self.residency.state(key)
            assert (state is ResidencyState.RESIDENT) == (key in self.resident)
            assert (state is ResidencyState.LOADING) == (key in self.loading)


TestSlotModel = SlotModel.TestCase
TestSlotModel.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
