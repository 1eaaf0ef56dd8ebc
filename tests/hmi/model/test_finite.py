"""What is not a number is seen, whatever it stands beside."""

import math

import pytest
import torch

from hmi.model.finite import all_finite


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_one_bad_number_among_many_is_seen(dtype: torch.dtype, bad: float) -> None:
    tensors = [torch.ones(3, 5, dtype=dtype), torch.ones(7, dtype=dtype)]
    assert all_finite(tensors)
    tensors[1][4] = bad
    assert not all_finite(tensors)


def test_infinities_that_cancel_out_are_seen() -> None:
    assert not all_finite([torch.tensor([math.inf, -math.inf])])


def test_numbers_whose_sum_overflows_are_numbers() -> None:
    assert all_finite([torch.full((4,), 3e38)])
