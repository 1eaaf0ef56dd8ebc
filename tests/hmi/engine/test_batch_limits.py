"""What still fits into a batch, by hand."""

import pytest

from hmi.engine.batch_limits import BatchFill, BatchLimits
from wire.ids import TenantId

ACME, GLOBEX = TenantId("acme"), TenantId("globex")
LIMITS = BatchLimits(max_rows=4, max_tokens=100, max_adapters=2, max_cold_adapters=2)


def fill_of(*num_tokens: int, max_cold: int = 1) -> BatchFill:
    """One of ACME's documents, of adapter "a", of so many tokens each."""
    fill = BatchFill(LIMITS, max_cold=max_cold)
    for each in num_tokens:
        fill.spend(ACME, "a", each, is_cold=False)
    return fill


@pytest.mark.parametrize(
    ("num_tokens", "is_full", "most"),
    [
        ((), False, None),
        ((1, 1, 1), False, 97),
        ((1, 1, 1, 1), True, -1),
        ((99,), False, 1),
        ((100,), True, 0),
    ],
)
def test_a_batch_takes_rows_and_tokens_up_to_its_limits_and_an_empty_one_any(
    num_tokens: tuple[int, ...], is_full: bool, most: int | None
) -> None:
    fill = fill_of(*num_tokens)
    assert fill.is_full == is_full
    assert [size for size in (0, 1, 97, 98, 1000) if fill.fits(size)] == [
        size for size in (0, 1, 97, 98, 1000) if most is None or size <= most
    ]


def test_a_tenants_share_is_of_rows_and_of_tokens() -> None:
    fill = fill_of(10)
    assert fill.has_begun(ACME) and not fill.has_begun(GLOBEX)
    assert fill.is_within(0.5, ACME, 40) and not fill.is_within(0.5, ACME, 41)
    assert not fill.is_within(0.25, ACME, 1)


def test_of_a_batch_it_takes_the_larger_part_of_rows_and_tokens() -> None:
    assert (LIMITS.part(1, 50), LIMITS.part(3, 50), LIMITS.part(8, 0)) == (0.5, 0.75, 2)
    fill = fill_of(10, 20)
    assert (fill.part_with(ACME, 1, 0), fill.part_with(ACME, 0, 60)) == (0.75, 0.9)
    assert (fill.part_with(GLOBEX, 1, 0), fill.part_with(GLOBEX, 0, 60)) == (0.25, 0.6)


def test_adapters_join_up_to_their_limit_and_cold_ones_up_to_theirs_unless_overdue() -> None:
    fill = BatchFill(LIMITS, max_cold=1)
    assert fill.admits("a", is_cold=True, is_overdue=False)
    for _ in range(2):  # it counts once
        fill.spend(ACME, "a", 1, is_cold=True)
        assert fill.admits("a", is_cold=True, is_overdue=False), "what is in the batch"
        assert fill.admits("b", is_cold=False, is_overdue=False)
        assert fill.admits("b", is_cold=True, is_overdue=True)
        assert not fill.admits("b", is_cold=True, is_overdue=False)
    fill.spend(GLOBEX, "b", 1, is_cold=False)
    assert fill.admits("a", is_cold=True, is_overdue=False)
    assert not fill.admits("c", is_cold=False, is_overdue=True)


def test_what_is_in_the_batch_and_not_cold_any_more_takes_no_place_of_cold_ones() -> None:
    fill = BatchFill(LIMITS, max_cold=2)
    for _ in range(2):
        fill.spend(ACME, "a", 1, is_cold=True)
    assert fill.admits("b", is_cold=True, is_overdue=False)
