"""Engine with a fake placement and runner: deadlines, bounds, cancellation, failures; a fake clock."""

import gc
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import pytest

from hmi.base.errors import BudgetExceeded, BundleBroken, DeadlineExceeded, HmiError, NotReady, QueueFull
from hmi.engine.batch import Batch, BatchRecord
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.placement import BatchLeases, HeadShape, PlacedHplm
from hmi.engine.request import DocumentAnswer, EngineRequest, HplmRef, RequestState
from hmi.engine.scheduler import Temperature
from hmi.engine.stages import ComputeStage, SameThread
from hmi.memory.slots import Slot
from hmi.plot.ngram import Documents
from tests.fakes.clock import FakeClock
from wire.artifacts import BundleRef
from wire.errors import ErrorCode
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId
from wire.inference import Coverage

T = TypeVar("T")
COVERAGE = Coverage(0.0, 0.0, 1.0, 0.0)


class FakePlacement:
    """Models are near at once, but for those in ``absent``, until arrive()."""

    def __init__(self) -> None:
        self.absent: set[HplmRef] = set()
        self.gone_once: set[HplmRef] = set()  # evicted from the device, and at hand when asked for again
        self.has_room_for_one_batch = False
        self.before_lease: Callable[[], None] = lambda: None
        self.unplaceable: dict[HplmRef, HmiError] = {}
        self.moved: dict[HplmRef, HmiError | None] = {}
        self.let_go_of: list[HplmRef] = []
        self.quarantined: list[HplmRef] = []
        self.is_closed = False

    def arrive(self, hplm: HplmRef, error: HmiError | None = None) -> None:
        self.absent.discard(hplm)
        self.moved[hplm] = error

    def advance(self, hplm: HplmRef) -> bool:
        return hplm not in self.absent

    def take_moved(self) -> Mapping[HplmRef, HmiError | None]:
        moved, self.moved = self.moved, {}
        return moved

    def let_go(self, hplm: HplmRef) -> None:
        self.let_go_of.append(hplm)

    def temperature(self, hplm: HplmRef) -> Temperature:
        if hplm in self.gone_once:
            self.gone_once.remove(hplm)
            return Temperature.GONE
        return Temperature.GONE if hplm in self.absent else Temperature.HOT

    def lease(self, hplms: Sequence[HplmRef], *, is_alone: bool) -> BatchLeases:
        self.before_lease()
        leases = BatchLeases()
        for hplm in hplms:
            if not is_alone and self.has_room_for_one_batch:
                leases.postponed.add(hplm)
            elif hplm in self.unplaceable:
                leases.failed[hplm] = self.unplaceable[hplm]
            else:
                leases.placed[hplm] = PlacedHplm(Slot(0), HeadShape(1), (0,))
        return leases

    def quarantine(self, hplm: HplmRef, error: HmiError) -> None:
        self.quarantined.append(hplm)

    def check_integrity(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class FakeRunner:
    """Answers each document with its first token id; ``before`` may raise for a batch, or move the clock."""

    def __init__(self, before: Callable[[Batch], None]) -> None:
        self.before = before
        self.token_cost: dict[str, float] = {}  # by tenant; 1 where it is not said
        self.nan_for: set[str] = set()

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> Batch:
        return batch

    def compute(self, retrieved: Batch) -> Sequence[DocumentAnswer]:
        self.before(retrieved)
        answers = []
        is_nan = any(part.request.tenant_id in self.nan_for for part in retrieved.parts)  # it spreads
        for part in retrieved.parts:
            documents = part.request.documents
            for document in range(part.first, part.last):
                value = float(documents.token_ids[documents.offsets[document]])
                cost = self.token_cost.get(part.request.tenant_id, 1.0)
                outputs = np.full((1, 1), np.nan if is_nan else value, np.float32)
                answers.append(DocumentAnswer(outputs, COVERAGE, token_cost=cost))
        return answers


class World:
    def __init__(
        self, *, max_rows: int = 8, max_requests: int = 100, stage: ComputeStage | None = None
    ) -> None:
        self.stage = SameThread() if stage is None else stage
        self.inbox = Inbox()
        self.clock = FakeClock()
        self.placement = FakePlacement()
        self.runner = FakeRunner(lambda batch: self.clock.advance(0.5))
        self.batches: list[BatchRecord] = []
        limits = BatchLimits(max_rows=max_rows, max_tokens=1000, max_adapters=8, max_cold_adapters=8)
        self.engine = Engine(
            EngineConfig(limits=limits, max_requests=max_requests),
            placement=self.placement,
            runner=self.runner,
            inbox=self.inbox,
            clock=self.clock,
            stage=self.stage,
            on_batch=self.batches.append,
        )

    def submit(
        self, tenant: str = "acme", *, num_documents: int = 1, deadline_s: float = 30
    ) -> EngineRequest:
        request = EngineRequest(
            request_id=RequestId("r"),
            tenant_id=TenantId(tenant),
            task_id=TaskId("t"),
            hplm=hplm_of(tenant),
            documents=Documents(
                np.arange(num_documents, dtype=np.int32), np.arange(num_documents + 1, dtype=np.int64)
            ),
            deadline=self.clock.monotonic() + deadline_s,
        )
        self.engine.submit(request)
        return request

    def submit_two(self) -> tuple[EngineRequest, EngineRequest]:
        """One of acme's with another beside it."""
        requests = [
            EngineRequest(
                request_id=RequestId("r"),
                tenant_id=TenantId("acme"),
                task_id=TaskId("t"),
                hplm=hplm_of(name),
                documents=Documents(np.arange(1, dtype=np.int32), np.arange(2, dtype=np.int64)),
                deadline=self.clock.monotonic() + 30,
            )
            for name in ("live", "tried")
        ]
        self.engine.submit(requests[0], beside=requests[1])
        return requests[0], requests[1]


def hplm_of(tenant: str) -> HplmRef:
    return HplmRef(
        BundleRef(BundleUri("a"), Digest(tenant)), BundleRef(BundleUri("t"), Digest(f"tree of {tenant}"))
    )


def values(request: EngineRequest) -> list[float]:
    return [float(document.outputs[0, 0]) for document in request.future.result(0).documents]


def error_of(request: EngineRequest) -> HmiError:
    error = request.future.exception(0)
    assert isinstance(error, HmiError)
    return error


def test_documents_come_back_in_their_order_over_several_batches() -> None:
    world = World(max_rows=3)
    request, other = world.submit(num_documents=7), world.submit("globex", num_documents=2)
    while world.engine.step():
        pass
    assert values(request) == [0, 1, 2, 3, 4, 5, 6]
    assert values(other) == [0, 1]
    assert world.engine.num_open_requests == 0
    assert world.batches[0].tenants == {"acme", "globex"}


def test_an_answer_says_where_its_time_went() -> None:
    world = World(max_rows=2)
    request = world.submit(num_documents=4)
    world.clock.advance(2)
    while world.engine.step():
        pass
    answer = request.future.result(0)
    assert (answer.queue_ms, answer.retrieve_ms, answer.compute_ms) == (2000, 0, 1000)


def test_a_request_whose_model_is_loading_holds_nobody_up() -> None:
    world = World()
    world.placement.absent.add(hplm_of("cold"))
    cold, hot = world.submit("cold"), world.submit("hot")
    assert world.engine.step()
    assert hot.future.done() and not cold.future.done()
    assert cold.state is RequestState.WAITING_RESIDENCY
    world.placement.arrive(hplm_of("cold"))
    assert world.engine.step()
    assert values(cold) == [0]


def test_a_load_that_fails_fails_its_requests_alone() -> None:
    world = World()
    world.placement.absent.add(hplm_of("bad"))
    bad = [world.submit("bad"), world.submit("bad")]
    world.engine.step()
    good = world.submit("good")
    world.placement.arrive(hplm_of("bad"), BundleBroken("truncated"))
    world.engine.step()
    assert [error_of(request).code for request in bad] == [ErrorCode.BUNDLE_BROKEN] * 2
    assert values(good) == [0]


def test_a_model_evicted_before_its_turn_is_waited_for_again() -> None:
    world = World(max_rows=1)
    first, second = world.submit("first"), world.submit("second")
    world.engine.step()
    world.placement.absent.add(hplm_of("second"))
    assert not world.engine.step()
    assert first.future.done() and second.state is RequestState.WAITING_RESIDENCY
    world.placement.arrive(hplm_of("second"))
    world.engine.step()
    assert values(second) == [0]


def test_a_model_that_has_left_the_device_and_is_still_near_is_not_waited_for() -> None:
    """Nothing more arrives that would wake the engine: it slept until the deadline, five seconds at most."""
    world = World(max_rows=1)
    world.submit("first")
    second = world.submit("second")
    world.engine.step()
    world.placement.gone_once.add(hplm_of("second"))
    while world.engine.step():
        pass
    assert values(second) == [0]


def test_an_adapter_that_cannot_be_placed_is_quarantined_and_fails_alone() -> None:
    world = World()
    world.placement.unplaceable[hplm_of("bad")] = BundleBroken("the head has 2000 labels")
    bad, good = world.submit("bad"), world.submit("good")
    world.engine.step()
    assert error_of(bad).code is ErrorCode.BUNDLE_BROKEN
    assert world.placement.quarantined == [hplm_of("bad")]
    assert values(good) == [0]


def test_models_that_cannot_be_placed_do_not_make_the_engine_look_slow() -> None:
    """What nothing was computed for says nothing of how fast batches are; else others were refused for it."""
    world = World()
    world.submit("acme", num_documents=20)
    while world.engine.step():  # it learns its pace
        pass
    world.placement.unplaceable[hplm_of("large")] = BudgetExceeded("no room", needed_bytes=1, free_bytes=0)
    world.placement.before_lease = lambda: world.clock.advance(0.1)
    for _ in range(40):
        failing = [world.submit("large", num_documents=8) for _ in range(2)]
        while world.engine.step():
            pass
        assert all(isinstance(error_of(request), BudgetExceeded) for request in failing)
    world.submit("globex")
    world.submit("acme")  # not refused


def test_small_requests_that_come_during_small_batches_do_not_make_the_engine_look_slow() -> None:
    """A batch that took all that waited was none that could not have taken more; else a large request was
    refused for as long as small ones came."""
    stage = HandStage()
    world = World(stage=stage)
    world.submit("a")
    for number in range(40):
        assert world.engine.step()
        world.submit("ab"[number % 2])
        world.engine.step()
        stage.finish()
    world.submit("large", num_documents=200)  # not refused


def test_small_batches_that_end_together_do_not_make_the_engine_look_fast() -> None:
    """The second took as long as the first; else more was let in than could be answered in time."""
    stage = HandStage(width=2)
    world = World(stage=stage)

    def takes(step_s: float, _batch: Batch) -> None:
        world.clock.advance(step_s)

    def run_all(*seconds: float) -> None:
        while world.engine.step() or stage.waiting:
            for step_s in seconds:
                world.runner.before = partial(takes, step_s)
                if stage.waiting:
                    stage.finish()

    world.submit("acme", num_documents=80)
    run_all(0.5, 0.5)  # it learns that it answers 16 a second
    for _ in range(20):
        for tenant in ("a", "b"):
            world.submit(tenant)
            world.engine.step()
        run_all(0.5, 0.001)
    world.submit("a")
    with pytest.raises(QueueFull, match="of work go before this request"):
        world.submit("large", num_documents=400, deadline_s=20)


def test_a_request_that_breaks_the_forward_fails_alone() -> None:
    world = World()

    def explode(batch: Batch) -> None:
        if any(part.request.tenant_id == "bad" for part in batch.parts):
            raise RuntimeError("shapes do not match")

    world.runner.before = explode
    requests = {tenant: world.submit(tenant) for tenant in ("a", "bad", "b")}
    world.engine.step()
    assert values(requests["a"]) == values(requests["b"]) == [0]
    assert error_of(requests["bad"]).code is ErrorCode.INTERNAL
    assert "shapes" not in error_of(requests["bad"]).message


def test_numbers_that_are_not_finite_are_never_an_answer() -> None:
    world = World()
    world.runner.nan_for.add("bad")
    bad, good = world.submit("bad"), world.submit("good")
    world.engine.step()
    assert error_of(bad).code is ErrorCode.BUNDLE_BROKEN
    assert values(good) == [0]
    assert world.placement.quarantined == [hplm_of("bad")]


def test_a_late_request_is_dropped_without_a_step() -> None:
    world = World()
    request = world.submit(deadline_s=1)
    world.clock.advance(1.1)
    assert not world.engine.step()
    assert isinstance(error_of(request), DeadlineExceeded)
    assert not world.batches


def test_a_request_that_cannot_make_it_any_more_is_dropped_early() -> None:
    world = World()
    for _ in range(30):  # the engine learns that a step takes half a second
        world.submit()
        world.engine.step()
    request = world.submit(deadline_s=0.3)
    assert not world.engine.step()
    assert isinstance(error_of(request), DeadlineExceeded)


def test_one_slow_step_does_not_shut_everybody_out_for_ever() -> None:
    world = World()
    world.runner.before = lambda batch: world.clock.advance(60)
    world.submit(deadline_s=100)
    world.engine.step()  # the engine now believes that a step takes 12 s
    world.runner.before = lambda batch: world.clock.advance(0.01)
    for _ in range(50):
        request = world.submit(deadline_s=1)
        world.engine.step()
        if request.future.exception(0) is None:
            return
    raise AssertionError("every later request was dropped")


def test_a_request_whose_model_never_comes_ends_at_its_deadline() -> None:
    world = World()
    world.placement.absent.add(hplm_of("cold"))
    request = world.submit("cold", deadline_s=5)
    world.engine.step()
    world.clock.advance(5.1)
    world.engine.step()
    assert isinstance(error_of(request), DeadlineExceeded)
    assert world.placement.let_go_of == [hplm_of("cold")]


def test_a_load_that_hangs_makes_no_other_look_slow_and_keeps_no_request_that_has_ended() -> None:
    """Beside it, those that came at once a minute were taken for loads of a minute, and then for too slow."""
    world = World()
    world.placement.absent.add(hplm_of("hangs"))
    for number in range(5):
        given_up = world.submit("hangs", deadline_s=30)
        name = f"quick {number}"
        world.placement.absent.add(hplm_of(name))
        quick = world.submit(name)  # not refused
        world.engine.step()
        world.clock.advance(0.1)
        world.placement.arrive(hplm_of(name))
        world.engine.step()
        assert values(quick) == [0]
        world.clock.advance(60)
        world.engine.step()
        assert isinstance(error_of(given_up), DeadlineExceeded)
        kept = weakref.ref(given_up.documents.token_ids)
        del given_up
        gc.collect()
        assert kept() is None


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    world = World(max_requests=2)
    world.submit("acme")
    world.submit("globex")
    with pytest.raises(QueueFull) as caught:
        world.submit("initech")
    assert 1 <= caught.value.retry_after_s <= 30
    while world.engine.step():
        pass
    world.submit()


def test_a_cancelled_request_takes_no_step_and_frees_its_place() -> None:
    world = World(max_requests=1)
    request = world.submit()
    assert request.future.cancel()
    assert not world.engine.step()
    assert request.state is RequestState.CANCELLED
    assert world.engine.num_open_requests == 0
    world.submit()


def test_a_request_cancelled_between_two_batches_stops() -> None:
    world = World(max_rows=1)
    request = world.submit(num_documents=5)
    world.engine.step()
    request.future.cancel()
    assert not world.engine.step()
    assert len(world.batches) == 1


def test_the_last_request_of_a_model_lets_it_go() -> None:
    world = World(max_rows=1)
    world.submit("acme")
    world.submit("acme")
    world.engine.step()
    assert not world.placement.let_go_of
    world.engine.step()
    assert world.placement.let_go_of == [hplm_of("acme")]


def test_closing_answers_what_was_accepted() -> None:
    world = World(max_rows=1)
    world.engine.start()
    requests = [world.submit(num_documents=3) for _ in range(10)]
    world.engine.close(drain_s=60)
    assert all(values(request) == [0, 1, 2] for request in requests)
    with pytest.raises(NotReady, match="closing"):
        world.submit()
    assert world.placement.is_closed


def test_closing_without_time_fails_what_is_left() -> None:
    world = World()
    request = world.submit()
    world.engine.close(drain_s=0)
    assert isinstance(error_of(request), NotReady)


def test_a_bug_in_a_step_fails_what_is_open_and_the_engine_goes_on() -> None:
    world = World()
    bad = True

    def lease(hplms: Sequence[HplmRef], *, is_alone: bool) -> BatchLeases:
        if bad:
            raise ZeroDivisionError
        return FakePlacement.lease(world.placement, hplms, is_alone=is_alone)

    world.placement.lease = lease  # type: ignore[method-assign]
    world.engine.start()
    request = world.submit()
    assert isinstance(request.future.exception(30), HmiError)
    bad = False
    assert len(world.submit().future.result(30).documents) == 1
    world.engine.close(drain_s=30)


def test_a_bug_in_what_arrives_loses_nothing_that_arrived_behind_it() -> None:
    """A batch's end was lost so: the engine took it for running, and waited for it for ever."""
    stage = HandStage(width=2)
    world = World(max_rows=1, stage=stage)
    for tenant in "ab":
        world.submit(tenant)
        assert world.engine.step()

    def bug() -> None:
        raise ZeroDivisionError

    world.inbox.post(bug)
    while stage.waiting:
        world.inbox.post(stage.waiting.pop(0))
    with pytest.raises(ZeroDivisionError):
        world.engine.step()
    request = world.submit("c")
    assert world.engine.step()
    stage.finish()
    assert values(request) == [0]


def test_computed_lower_layers_are_charged_when_they_are_known() -> None:
    world = World(max_rows=1)
    world.runner.token_cost["exact"] = 2.0
    both = [world.submit(tenant, num_documents=30) for tenant in ("exact", "plain")]
    for _ in range(30):
        world.engine.step()
    exact, plain = (request.next_document for request in both)
    assert exact + plain == 30
    assert abs(plain - 2 * exact) <= 4, "twice the cost is half the documents"


def test_what_is_beside_a_request_runs_in_its_batch() -> None:
    world = World()
    requests = world.submit_two()
    world.engine.step()
    assert [request.future.result().documents for request in requests]
    [batch] = world.batches
    assert (batch.num_rows, len(batch.adapters)) == (2, 2)


def test_no_place_for_what_is_beside_a_request_is_told_by_its_own_future() -> None:
    world = World(max_requests=4)  # alone a tenant gets a fifth of the places, and one at least
    live, tried = world.submit_two()
    with pytest.raises(QueueFull):
        tried.future.result(timeout=0)
    world.engine.step()
    assert live.future.result(timeout=0).documents
    assert world.engine.num_open_requests == 0


def test_a_request_without_a_place_takes_none_for_what_is_beside_it() -> None:
    world = World(max_requests=1)
    world.submit("globex")
    with pytest.raises(QueueFull):
        world.submit_two()
    world.engine.step()
    assert world.engine.num_open_requests == 0


class HandStage:
    """A second stage that a test lets run: what was submitted waits for finish()."""

    def __init__(self, *, width: int = 1) -> None:
        self.width = width
        self.depth = width + 1
        self.waiting: list[Callable[[], None]] = []

    def enter(self) -> None:
        pass

    def submit(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        self.waiting.append(lambda: done(work()))

    def finish(self, number: int = 0) -> None:
        self.waiting.pop(number)()

    def close(self) -> None:
        pass


def test_a_full_batch_begins_while_the_one_before_it_is_computed() -> None:
    stage = HandStage()
    world = World(max_rows=2, stage=stage)
    requests = [world.submit(str(n)) for n in range(6)]
    assert world.engine.step()
    assert world.engine.step()
    assert not world.engine.step(), "no more than one waits for the second stage"
    assert len(stage.waiting) == 2
    for _ in range(2):
        stage.finish()
    assert [request.future.done() for request in requests] == [True] * 4 + [False] * 2


def test_a_batch_that_is_not_full_waits_for_more_while_another_is_computed() -> None:
    stage = HandStage()
    world = World(max_rows=4, stage=stage)
    world.submit("a")
    assert world.engine.step()
    world.submit("b")
    assert not world.engine.step()
    world.submit("c")
    stage.finish()
    assert world.engine.step()
    stage.finish()
    assert [batch.num_rows for batch in world.batches] == [1, 2]


def test_the_next_batch_is_chosen_when_the_one_that_is_computed_is_nearly_done() -> None:
    stage = HandStage()
    world = World(max_rows=8, stage=stage)
    world.runner.before = lambda batch: None
    world.submit("a")
    assert world.engine.step()
    world.clock.advance(2.0)
    stage.finish()  # so long do batches of one take
    world.submit("a")
    assert world.engine.step()
    world.submit("b")
    world.clock.advance(1.9)
    assert not world.engine.step(), "whoever comes may still join"
    assert world.engine.idle_s() == pytest.approx(0.1)
    world.submit("c")
    world.clock.advance(0.11)
    assert world.engine.step()
    for _ in range(2):
        stage.finish()
    assert [batch.tenants for batch in world.batches[1:]] == [{"a"}, {"b", "c"}]


def test_one_that_floods_does_not_make_the_next_batch_begin_early() -> None:
    stage = HandStage()
    world = World(max_rows=16, stage=stage)
    for tenant in "abcdefgh":
        world.submit(tenant)
    assert world.engine.step()
    world.submit("flood", num_documents=64)
    assert not world.engine.step(), "of the next batch it has no more than its share"
    for tenant in "abcdefgh":
        world.submit(tenant, num_documents=2)
    assert world.engine.step()


def test_a_request_that_is_spread_over_overlapping_batches_is_answered_once_and_whole() -> None:
    stage = HandStage()
    world = World(max_rows=4, stage=stage)
    request = world.submit(num_documents=8)
    assert world.engine.step()
    assert world.engine.step()
    stage.finish()
    assert not request.future.done(), "half of it is in the next batch"
    stage.finish()
    assert len(request.future.result(0).documents) == 8


def test_a_broken_model_is_quarantined_when_no_batch_holds_it_any_more() -> None:
    stage = HandStage()
    world = World(max_rows=4, stage=stage)
    world.runner.nan_for.add("bad")
    world.submit("bad", num_documents=8)
    world.engine.step()
    world.engine.step()
    stage.finish()
    assert not world.placement.quarantined
    stage.finish()
    assert world.placement.quarantined == [hplm_of("bad")]


def test_a_batch_without_room_beside_another_waits_for_it_to_end() -> None:
    stage = HandStage()
    world = World(max_rows=2, stage=stage)
    world.placement.has_room_for_one_batch = True
    requests = [world.submit(str(n)) for n in range(4)]
    assert world.engine.step()
    world.engine.step()
    assert not world.engine.step(), "it is not tried again and again"
    assert len(stage.waiting) == 1
    stage.finish()
    assert world.engine.step()
    stage.finish()
    assert [values(request) for request in requests] == [[0], [0], [0], [0]]


def test_of_two_at_a_time_the_second_begins_at_once_and_the_third_when_one_is_nearly_done() -> None:
    stage = HandStage(width=2)
    world = World(max_rows=8, stage=stage)
    world.runner.before = lambda batch: None
    world.submit("a")
    world.engine.step()
    world.clock.advance(2.0)
    stage.finish()  # so long do batches of one take
    for tenant in "bc":
        world.submit(tenant)
        assert world.engine.step()
        world.clock.advance(0.5)
    world.submit("d")
    assert not world.engine.step(), "both are busy, and others may join it"
    assert world.engine.idle_s() == pytest.approx(1.0), "until the first of them ends"
    world.clock.advance(1.01)
    assert world.engine.step()
    world.submit("e")
    assert not world.engine.step(), "one waits for a place already"
    stage.finish()
    assert not world.engine.step(), "what waited is computed now, and the other one is not nearly done"
    world.clock.advance(0.5)
    assert world.engine.step()
    assert [batch.tenants for batch in world.batches] == [{"a"}, {"b"}]


def test_batches_that_end_in_another_order_are_answered_as_they_end() -> None:
    stage = HandStage(width=2)
    world = World(max_rows=1, stage=stage)
    first, second = world.submit("a"), world.submit("b")
    assert world.engine.step()
    assert world.engine.step()
    stage.finish(1)
    assert (first.future.done(), second.future.done()) == (False, True)
    stage.finish()
    assert first.future.done()
