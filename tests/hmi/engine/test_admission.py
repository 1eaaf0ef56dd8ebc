"""Admission: places by tenant, work ahead against the deadline, when to come back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.base.errors import QueueFull
from hmi.engine.admission import (
    MAX_RETRY_AFTER_S,
    MAX_WAIT_SHARE,
    MEASURED_S,
    MIN_RETRY_AFTER_S,
    Admission,
)
from hmi.engine.request import EngineRequest, HplmRef, RequestState
from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId

_REF = BundleRef(BundleUri("x"), Digest("x"))


def request_of(
    tenant: str, tokens: int = 10, *, deadline: float = 100.0, weight: float = 1.0
) -> EngineRequest:
    return EngineRequest(
        request_id=RequestId("r"),
        tenant_id=TenantId(tenant),
        task_id=TaskId("t"),
        hplm=HplmRef(_REF, _REF),
        documents=Documents(np.zeros(tokens, np.int32), np.array([0, tokens], np.int64)),
        deadline=deadline,
        weight=weight,
    )


def num_admitted(admission: Admission, *requests: EngineRequest, now: float = 0.0) -> int:
    admitted = 0
    for request in requests:
        try:
            admission.enter(request, now)
        except QueueFull:
            continue
        admitted += 1
    return admitted


def test_a_tenant_alone_gets_a_fifth_of_the_places() -> None:
    admission = Admission(100)
    assert num_admitted(admission, *(request_of("flood") for _ in range(100))) == 21


def test_a_newcomer_finds_room_while_others_flood() -> None:
    admission = Admission(100)
    for tenant in range(10):
        num_admitted(admission, *(request_of(f"flood {tenant}") for _ in range(100)))
    assert num_admitted(admission, request_of("newcomer")) == 1


@pytest.mark.parametrize(("num_tokens", "expected"), [(1, MIN_RETRY_AFTER_S), (10_000, MAX_RETRY_AFTER_S)])
def test_nobody_is_told_to_come_back_at_once_or_in_an_hour(num_tokens: int, expected: float) -> None:
    admission = Admission(1)
    admission.observe_step(10, 1.0, is_full=True)
    admission.enter(request_of("a", num_tokens), 0.0)
    with pytest.raises(QueueFull) as caught:
        admission.enter(request_of("b"), 0.0)
    assert caught.value.retry_after_s == expected


def test_a_full_queue_refuses_everybody_and_says_when_to_come_back() -> None:
    admission = Admission(3)
    admission.observe_step(10, 1.0, is_full=True)
    assert num_admitted(admission, *(request_of(tenant, 40) for tenant in "abc")) == 3
    with pytest.raises(QueueFull) as caught:
        admission.enter(request_of("d"), 0.0)
    assert caught.value.retry_after_s == 12, "three requests of 40 tokens at 10 a second"
    assert caught.value.message == "too many requests wait, 0 of them yours; try again later", "not whose"


def test_work_ahead_that_takes_too_long_is_a_refusal() -> None:
    admission = Admission(100)
    admission.observe_step(10, 1.0, is_full=True)
    admission.enter(request_of("a", 50), 0.0)
    assert num_admitted(admission, request_of("b", 50, deadline=1e6)) == 1
    with pytest.raises(QueueFull, match="work") as caught:
        admission.enter(request_of("c", 50, deadline=13.0), 0.0)
    assert caught.value.retry_after_s == pytest.approx(15 - MAX_WAIT_SHARE * 13)


def test_a_small_tenant_does_not_wait_for_all_of_a_large_ones_work() -> None:
    admission = Admission(100)
    admission.observe_step(10, 1.0, is_full=True)
    admission.enter(request_of("large", 1000, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("small", 10, deadline=4.0)) == 1
    assert num_admitted(admission, request_of("large", 10, deadline=4.0)) == 0


def test_what_keeps_coming_goes_before_a_long_queue() -> None:
    """While as much is asked for as is done, a tenant waits for its own work at its share of the speed."""
    admissions = Admission(100_000), Admission(100_000)
    for admission, num_asked in zip(admissions, (10, 1), strict=True):
        admission.observe_step(100, 1.0, is_full=True)
        for tenant in "abcd":
            admission.enter(request_of(tenant, 25, deadline=1e6), 0.0)
        for number in range(100):  # a tenth of a second apart, and refused: nobody waits so little
            with pytest.raises(QueueFull):
                admission.enter(request_of("b", num_asked, deadline=number / 10 + 0.1), number / 10)
    request = request_of("a", 25, deadline=10 + 3 / MAX_WAIT_SHARE)
    assert [num_admitted(admission, request, now=10.0) for admission in admissions] == [1, 1]
    request = request_of("a", 100, deadline=10 + 4 / MAX_WAIT_SHARE)
    assert [num_admitted(admission, request, now=10.0) for admission in admissions] == [0, 1]


def test_what_a_tenant_asks_for_itself_does_not_go_before_what_it_has_open() -> None:
    """The busiest of many, at nine tenths of the speed: all that is open is done in a second."""
    admission = Admission(4096)
    admission.observe_step(10_000, 1.0, is_full=True)
    for step in range(200):  # ten seconds
        now = step / 20
        assert num_admitted(admission, *(request_of("busy", 20) for _ in range(8)), now=now) == 8  # 3,200/s
        others = [request_of(f"other {(15 * step + number) % 300}", 20) for number in range(15)]  # 6,000/s
        assert num_admitted(admission, *others, now=now) == 15
        for request in others:
            admission.leave(request, now)
        if step >= 20:
            for _ in range(8):
                admission.leave(request_of("busy", 20), now)
    waiting = [request_of(f"other {number}", 20, deadline=1e6) for number in range(100)]
    assert num_admitted(admission, *waiting, now=10.0) == 100
    assert num_admitted(admission, request_of("busy", 20, deadline=10 + 2.5 / MAX_WAIT_SHARE), now=10.0) == 1


def test_weight_shortens_the_wait() -> None:
    admission = Admission(100)
    admission.observe_step(10, 1.0, is_full=True)
    admission.enter(request_of("large", 1000, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("a", 20, deadline=5.0)) == 0
    assert num_admitted(admission, request_of("b", 20, deadline=5.0, weight=4.0)) == 1


def test_when_nothing_is_open_anything_is_admitted() -> None:
    admission = Admission(100)
    admission.observe_step(1, 1000.0, is_full=True)
    assert num_admitted(admission, request_of("a", 50, deadline=0.1)) == 1


@pytest.mark.parametrize("is_speed_known", [False, True])
def test_a_batch_that_was_not_full_shows_no_slowness(is_speed_known: bool) -> None:
    admission = Admission(100)
    if is_speed_known:
        admission.observe_step(1000, 1.0, is_full=True)
    for _ in range(50):
        admission.observe_step(1, 1.0, is_full=False)
    admission.enter(request_of("a"), 0.0)
    assert num_admitted(admission, request_of("b", 500, deadline=1.0)) == 1


@pytest.mark.parametrize("is_full", [False, True])
def test_a_batch_that_took_no_time_says_nothing(is_full: bool) -> None:
    admission = Admission(100)
    for step_s in (0.0, 1.0, 0.0):
        admission.observe_step(10, step_s, is_full=is_full or step_s > 0)
    admission.enter(request_of("a", 100, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("a", 100, deadline=19 / MAX_WAIT_SHARE)) == 0
    assert num_admitted(admission, request_of("a", 100, deadline=21 / MAX_WAIT_SHARE)) == 1


def test_the_speed_is_that_of_about_the_last_two_seconds() -> None:
    admission = Admission(100)
    for tokens_per_s, num_steps in ((1000, 100), (100, 20)):
        for _ in range(num_steps):
            admission.observe_step(tokens_per_s / 10, 0.1, is_full=True)
    admission.enter(request_of("a", 1000, deadline=1e6), 0.0)
    at_speeds = [request_of("a", 1000, deadline=2000 / speed / MAX_WAIT_SHARE) for speed in (550, 300)]
    assert [num_admitted(admission, request) for request in at_speeds] == [0, 1]


def test_batches_that_end_together_are_no_faster_for_it() -> None:
    admission = Admission(100)
    for _ in range(200):
        admission.observe_step(1000, 0.0999, is_full=True)
        admission.observe_step(1000, 0.0001, is_full=True)
    admission.enter(request_of("a", 100_000, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("a", 100_000, deadline=11 / MAX_WAIT_SHARE)) == 1
    admission.leave(request_of("a", 100_000), 0.0)
    assert num_admitted(admission, request_of("a", 100_000, deadline=9 / MAX_WAIT_SHARE)) == 0


def test_one_step_that_stalled_does_not_make_the_next_look_slow() -> None:
    admission = Admission(100)
    admission.observe_step(1000, 0.1, is_full=True)
    admission.observe_step(1000, 60.0, is_full=True)
    admission.enter(request_of("a", 10_000, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("a", 10_000, deadline=3 / MAX_WAIT_SHARE)) == 1


def test_an_engine_whose_first_step_stalled_is_soon_known_to_be_fast() -> None:
    admission = Admission(100)
    admission.observe_step(1000, 60.0, is_full=True)
    for _ in range(20):
        admission.observe_step(100, 0.01, is_full=False)
    admission.enter(request_of("a", 10_000, deadline=1e6), 0.0)
    assert num_admitted(admission, request_of("a", 10_000, deadline=1.9 / MAX_WAIT_SHARE)) == 0
    assert num_admitted(admission, request_of("a", 10_000, deadline=3 / MAX_WAIT_SHARE)) == 1


def test_a_tenant_is_refused_when_its_own_pace_is_too_slow() -> None:
    admission = Admission(1000)
    admission.observe_step(1e6, 1.0, is_full=True)  # plenty, were it not for others who keep coming
    requests = [request_of("a", 10) for _ in range(30)]
    for request in requests:
        admission.enter(request, 0.0)
    for number in range(10):
        requests[number].state = RequestState.DONE
        admission.leave(requests[number], number + 1.0)
    with pytest.raises(QueueFull):
        admission.enter(request_of("a", 10, deadline=20.0), 10.0)
    admission.enter(request_of("a", 10, deadline=50.0), 10.0)


class Waiting:
    """A tenant with plenty open, whose requests of 10 tokens are answered one after the other."""

    def __init__(self) -> None:
        self.admission = Admission(10**6)
        self.admission.observe_step(1e9, 1.0, is_full=True)  # plenty, were it not for others who keep coming
        self.now = 0.0
        self._open = [request_of("a") for _ in range(4000)]
        for request in self._open:
            self.admission.enter(request, 0.0)

    def answer(self, *, tokens_per_s: float, seconds: float) -> None:
        for _ in range(round(seconds * tokens_per_s / 10)):
            self.now += 10 / tokens_per_s
            self.end_one(RequestState.DONE)

    def end_one(self, state: RequestState) -> None:
        request = self._open.pop()
        request.state = state
        self.admission.leave(request, self.now)

    def is_served_within(self, wait_s: float) -> bool:
        request = request_of("a", deadline=self.now + wait_s / MAX_WAIT_SHARE)
        return num_admitted(self.admission, request, now=self.now) == 1

    @property
    def num_tokens(self) -> int:
        return 10 * len(self._open)


@pytest.mark.parametrize("paces", [[50], [5, 500], [500, 5]])
def test_the_pace_at_which_a_tenant_is_served_is_that_of_late(paces: list[float]) -> None:
    tenant = Waiting()
    for pace in paces:
        tenant.answer(tokens_per_s=pace, seconds=25)
    expected_s = tenant.num_tokens / paces[-1]
    assert not tenant.is_served_within(0.75 * expected_s)
    assert tenant.is_served_within(1.3 * expected_s)


def test_what_was_cancelled_or_failed_was_not_served() -> None:
    tenant = Waiting()
    tenant.answer(tokens_per_s=10, seconds=25)
    for state in [RequestState.CANCELLED, RequestState.FAILED] * 50:
        tenant.end_one(state)
    assert not tenant.is_served_within(0.75 * tenant.num_tokens / 10)


def test_a_tenants_pace_says_nothing_before_it_was_measured_for_long_enough() -> None:
    tenant = Waiting()
    tenant.now = 30.0
    tenant.answer(tokens_per_s=10, seconds=MEASURED_S)  # the first begins the measure
    assert tenant.is_served_within(0.1)
    tenant.answer(tokens_per_s=10, seconds=1)
    assert not tenant.is_served_within(0.9 * tenant.num_tokens / 10)
    assert tenant.is_served_within(1.1 * tenant.num_tokens / 10)


def test_a_stall_does_not_make_a_tenant_look_slow() -> None:
    """Of what was open then, the first answer, for one token after three seconds, was taken for its pace."""
    admission = Admission(1000)
    admission.observe_step(1e6, 1.0, is_full=True)
    requests = [request_of("a", tokens) for tokens in (1, 10, 10, 10)]
    for request in requests:
        admission.enter(request, 0.0)
    requests[0].state = RequestState.DONE
    admission.leave(requests[0], 3.0)
    assert num_admitted(admission, request_of("a", 10, deadline=60.0), now=3.0) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 50), st.booleans()), max_size=60))
def test_what_has_left_leaves_nothing_behind(steps: list[tuple[str, int, bool]]) -> None:
    admission = Admission(20)
    inside: list[EngineRequest] = []
    for now, (tenant, tokens, is_leaving) in enumerate(steps):
        if is_leaving and inside:
            admission.leave(inside.pop(0), float(now))
        else:
            request = request_of(tenant, tokens, deadline=1e6)
            inside += [request] if num_admitted(admission, request) else []
        assert len(inside) <= 20
        assert admission.num_tenants == len({request.tenant_id for request in inside})
    for request in inside:
        admission.leave(request, 100.0)
    assert admission.num_tenants == 0
    assert num_admitted(admission, *(request_of(str(n)) for n in range(30))) == 20


@pytest.mark.parametrize("has_waited", [False, True])
def test_a_tenant_that_asks_for_little_is_not_taken_for_one_that_is_served_slowly(has_waited: bool) -> None:
    """It has something open all the time: a model that loads, or requests that overlap."""
    admission = Admission(1000)
    admission.observe_step(1e6, 1.0, is_full=True)
    admission.enter(request_of("a"), 0.0)  # its model is on its way
    if has_waited:
        first = request_of("a")
        admission.enter(first, 0.0)
        first.state = RequestState.DONE
        admission.leave(first, 3.0)
    for number in range(6 * has_waited, 40):
        request = request_of("a")
        request.submitted = number / 2
        admission.enter(request, number / 2)
        request.state = RequestState.DONE
        admission.leave(request, number / 2 + 0.1)
    assert num_admitted(admission, request_of("a", 1000, deadline=50.0), now=20.0) == 1


def test_a_weight_that_changes_counts_from_the_next_request_on() -> None:
    """Also of a tenant that always has something open."""
    admission = Admission(100)
    admission.observe_step(10, 1.0, is_full=True)
    admission.enter(request_of("large", 1000, deadline=1e6), 0.0)
    first = request_of("a", 10, deadline=1e6)
    admission.enter(first, 0.0)
    assert num_admitted(admission, request_of("a", 20, deadline=7.0)) == 0
    second = request_of("a", 20, deadline=7.0, weight=4.0)
    assert num_admitted(admission, second) == 1
    for request in (first, second):
        admission.leave(request, 1.0)
    assert num_admitted(admission, request_of("b", 20, deadline=6.0)) == 0
    assert num_admitted(admission, request_of("b", 20, deadline=8.0)) == 1, "beside one of weight 1"
