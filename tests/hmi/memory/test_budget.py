"""Budget: hard, exact, and telling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.errors import BudgetExceeded
from hmi.memory.budget import Budget, Reservation
from hmi.memory.tier import MemoryTier


def test_it_grants_up_to_its_last_byte_and_no_further() -> None:
    budget = Budget(MemoryTier.DEVICE, 100)
    budget.reserve("backbone", 60)
    budget.reserve("slots", 40)
    with pytest.raises(
        BudgetExceeded, match="nodes needs 1 bytes; the device budget has 0 of 100 left"
    ) as caught:
        budget.reserve("nodes", 1)
    assert (caught.value.needed_bytes, caught.value.free_bytes) == (1, 0)
    assert budget.used_by_kind() == {"backbone": 60, "slots": 40}


def test_releasing_more_than_was_reserved_is_a_bug_that_shows() -> None:
    budget = Budget(MemoryTier.HOST, 100)
    reservation = budget.reserve("adapters", 10)
    budget.release(reservation)
    with pytest.raises(RuntimeError, match="10 bytes more"):
        budget.release(reservation)


def test_a_reservation_grows_and_shrinks_and_is_kept_where_it_cannot() -> None:
    budget = Budget(MemoryTier.DEVICE, 100)
    budget.reserve("backbone", 60)
    growing = budget.reserve("catalog", 10)
    growing = budget.resize(growing, 40)
    with pytest.raises(BudgetExceeded, match="0 of 100 left"):
        budget.resize(growing, 41)
    assert budget.used_by_kind() == {"backbone": 60, "catalog": 40}
    growing = budget.resize(growing, 5)
    assert budget.free_bytes == 35
    budget.release(growing)
    assert budget.used_by_kind() == {"backbone": 60, "catalog": 0}
    with pytest.raises(ValueError, match="-1"):
        budget.resize(growing, -1)


def test_nothing_negative_is_a_budget_or_reserved() -> None:
    with pytest.raises(ValueError, match="-1"):
        Budget(MemoryTier.HOST, -1)
    budget = Budget(MemoryTier.HOST, 0)
    budget.resize(budget.reserve("adapters", 0), 0)  # nothing is
    with pytest.raises(ValueError, match="-1"):
        budget.reserve("adapters", -1)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60)), max_size=30))
def test_it_never_grants_more_than_it_has(steps: list[tuple[str, int]]) -> None:
    budget = Budget(MemoryTier.HOST, 100)
    granted: list[Reservation] = []
    for kind, num_bytes in steps:
        fits = sum(item.num_bytes for item in granted) + num_bytes <= 100
        if fits:
            granted.append(budget.reserve(kind, num_bytes))
        else:
            with pytest.raises(BudgetExceeded):
                budget.reserve(kind, num_bytes)
            if granted:
                budget.release(granted.pop(0))
        assert budget.used_bytes == sum(item.num_bytes for item in granted) <= 100
