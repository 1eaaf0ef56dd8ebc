"""SlotPool: lowest first, each slot once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.memory.slots import SlotPool, SlotsExhausted


def test_it_hands_out_every_slot_once_then_refuses() -> None:
    pool = SlotPool(3)
    assert [pool.acquire() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(SlotsExhausted, match="all 3 slots"):
        pool.acquire()


def test_releasing_a_free_slot_is_a_bug_that_shows() -> None:
    pool = SlotPool(1)
    slot = pool.acquire()
    pool.release(slot)
    with pytest.raises(RuntimeError, match="already free"):
        pool.release(slot)


def test_an_arena_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SlotPool(0)


@given(st.lists(st.booleans(), max_size=60))
def test_it_agrees_with_a_set_of_free_slots(steps: list[bool]) -> None:
    pool, free, taken = SlotPool(4), set(range(4)), []
    for takes in steps:
        if takes and free:
            slot = pool.acquire()
            assert slot == min(free)
            free.remove(slot)
            taken.append(slot)
        elif taken:
            slot = taken.pop(0)
            pool.release(slot)
            free.add(slot)
        pool.check_integrity()
        assert pool.num_free == len(free)
