"""A thread that leaves the cores to others takes none from them."""

import threading

import torch

from hmi.base.own_thread import use_one_core


def test_only_the_calling_thread_is_limited() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)  # as a service does: torch then sets it on every thread that begins
    found: list[int] = []

    def work() -> None:
        use_one_core()
        found.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [1]
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
