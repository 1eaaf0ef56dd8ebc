"""Where the forward runs."""

import threading
from functools import partial

import torch

from hmi.engine.inbox import Inbox
from hmi.engine.stages import ComputeThreads, SameThread


def test_the_same_thread_runs_work_at_once() -> None:
    given: list[int] = []
    SameThread().submit(lambda: 7, given.append)
    assert given == [7]


def test_a_compute_thread_works_in_order_beside_the_caller_and_tells_through_the_inbox() -> None:
    inbox = Inbox()
    stage = ComputeThreads(inbox, num_threads=1, cores_each=1)
    given: list[int] = []
    names: list[str] = []
    may_go = threading.Event()

    def work(value: int) -> int:
        assert may_go.wait(60)
        names.append(threading.current_thread().name)
        return value

    stage.submit(lambda: work(1), given.append)
    stage.submit(lambda: work(2), given.append)
    assert not given
    may_go.set()
    stage.close()
    assert not given, "it is told on the engine thread"
    inbox.run_all()
    assert given == [1, 2]
    assert names == ["compute_0", "compute_0"]


def test_two_compute_threads_work_at_a_time_each_on_its_own_cores() -> None:
    inbox = Inbox()
    stage = ComputeThreads(inbox, num_threads=2, cores_each=1)
    given: list[int] = []
    together = threading.Barrier(2)

    def work(value: int) -> int:
        together.wait(60)  # passed only while the other works as well
        assert torch.get_num_threads() == 1
        return value

    for value in (1, 2, 3, 4):
        stage.submit(partial(work, value), given.append)
    stage.close()
    inbox.run_all()
    assert sorted(given) == [1, 2, 3, 4]
