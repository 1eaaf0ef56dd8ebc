"""Row numbers come back as they were, and are short where they are many."""

import random

import pytest

from wire.row_numbers import pack_rows, unpack_rows


@pytest.mark.parametrize("rows", [(), (2,), (2, 3, 900_000), (0, 1)])
def test_they_come_back(rows: tuple[int, ...]) -> None:
    assert unpack_rows(pack_rows(rows)) == rows


def test_order_and_repetition_are_not_kept() -> None:
    assert unpack_rows(pack_rows([5, 2, 5])) == (2, 5)


def test_a_hundred_thousand_of_two_hundred_thousand_take_some_tens_of_kilobytes() -> None:
    rows = sorted(random.Random(1).sample(range(2, 200_002), 100_000))
    packed = pack_rows(rows)
    assert unpack_rows(packed) == tuple(rows)
    assert len(packed) < 60_000


@pytest.mark.parametrize("broken", ["?", "AAAA"])
def test_anything_else_is_refused(broken: str) -> None:
    with pytest.raises(ValueError):
        unpack_rows(broken)
