"""Errors of memory are known by what really raises them."""

import errno
from collections.abc import Callable

import numpy as np
import pytest
import torch

from hmi.base.out_of_memory import is_out_of_memory

TOO_MUCH = 1 << 50


@pytest.mark.parametrize("ask", [lambda: torch.empty(TOO_MUCH), lambda: np.empty(TOO_MUCH)])
def test_who_asks_for_more_than_there_is_lacks_memory(ask: Callable[[], object]) -> None:
    with pytest.raises((MemoryError, RuntimeError)) as caught:
        ask()
    assert is_out_of_memory(caught.value)


def test_of_the_systems_errors_one_does() -> None:
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert not is_out_of_memory(OSError(errno.ENOSPC, "No space left on device"))
    assert not is_out_of_memory(RuntimeError("the shapes do not match"))
