"""Threads that leave the cores to the one that computes."""

import sys

from threadpoolctl import threadpool_limits


def use_one_core() -> None:
    """From now on what the calling thread asks numerical libraries for runs on it alone.

    Else each of its small copies and casts would wake a team of threads, and wait for a core until the
    forward leaves one.
    """
    torch = sys.modules.get("torch")  # this part does not import it
    if torch is not None:
        torch.get_num_threads()  # at its first use on a thread it sets what is set for all, over any limit
    threadpool_limits(1, user_api="openmp")
