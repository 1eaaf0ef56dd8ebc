"""How many cores a thread takes for what it asks numerical libraries for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


def use_cores(num_cores: int) -> None:
    """From now on what the calling thread asks numerical libraries for runs on so many threads, its own among
    them."""
    _let_torch_settle()
    threadpool_limits(num_cores, user_api="openmp")


def use_one_core() -> None:
    """For a thread that leaves the cores to those that compute.

    Else each of its small copies and casts would wake a team of threads, and wait for a core until a forward
    leaves one.
    """
    use_cores(1)


@contextmanager
def one_core() -> Iterator[None]:
    """use_one_core() until the block ends."""
    _let_torch_settle()
    with threadpool_limits(1, user_api="openmp"):
        yield


def _let_torch_settle() -> None:
    """At its first use on a thread it sets what is set for all, over any limit."""
    torch = sys.modules.get("torch")  # this part does not import it
    if torch is not None:
        torch.get_num_threads()
