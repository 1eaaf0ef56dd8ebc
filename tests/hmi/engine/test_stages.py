"""Where the forward runs."""

import threading

from hmi.engine.inbox import Inbox
from hmi.engine.stages import ComputeThread, SameThread


def test_the_same_thread_runs_work_at_once() -> None:
    given: list[int] = []
    SameThread().submit(lambda: 7, given.append)
    assert given == [7]


def test_a_compute_thread_works_in_order_beside_the_caller_and_tells_through_the_inbox() -> None:
    inbox = Inbox()
    stage = ComputeThread(inbox)
    given: list[int] = []
    names: list[str] = []
    may_go = threading.Event()

    def work(value: int) -> int:
        assert may_go.wait(10)
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
    assert names == ["compute", "compute"]
