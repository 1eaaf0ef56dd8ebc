"""Sizes are read as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmi.base.units import GIB, MIB, format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("text", "num_bytes"),
    [
        ("4096", 4096),
        ("300kB", 300_000),
        ("512 MiB", 512 * MIB),
        ("1.5GiB", 3 * GIB // 2),
        (" 2gb ", 2 * 10**9),
        ("7 B", 7),
    ],
)
def test_a_size_is_read(text: str, num_bytes: int) -> None:
    assert parse_bytes(text) == num_bytes


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1 TB", "1,5 GiB", "1e9", "12 parsecs"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_bytes(text)


@given(num_bytes=st.integers(0, 2**50))
def test_a_written_size_is_near_the_number_when_read_again(num_bytes: int) -> None:
    assert parse_bytes(format_bytes(num_bytes)) == pytest.approx(num_bytes, rel=0.06)
