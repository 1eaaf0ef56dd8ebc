"""Deadlines: the late ones, each once; ended ones are let go of."""

from hmi.engine.deadlines import Deadlines
from hmi.engine.request import RequestState
from tests.hmi.engine.test_admission import request_of


def test_the_late_ones_come_out_once_by_deadline() -> None:
    deadlines = Deadlines()
    requests = [request_of("a", deadline=float(number)) for number in (3, 1, 2)]
    for request in requests:
        deadlines.add(request)
    assert deadlines.next_deadline() == 1
    assert deadlines.pop_expired(2.5) == [requests[1], requests[2]]
    assert deadlines.pop_expired(2.5) == []


def test_an_ended_request_is_not_late() -> None:
    deadlines = Deadlines()
    request = request_of("a", deadline=1.0)
    deadlines.add(request)
    request.state = RequestState.DONE
    assert deadlines.pop_expired(5.0) == []
    assert deadlines.next_deadline() is None


def test_ended_requests_do_not_pile_up_behind_an_open_one() -> None:
    deadlines = Deadlines()
    deadlines.add(request_of("slow", deadline=1.0))
    for _ in range(5000):
        request = request_of("a", deadline=2.0)
        deadlines.add(request)
        request.state = RequestState.DONE
    assert len(deadlines) < 200
