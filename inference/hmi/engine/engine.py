"""Takes requests from any thread and answers them in mixed batches on one thread that owns the device."""

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

import numpy as np
import structlog

from hmi.base.clock import Clock
from hmi.base.errors import BudgetExceeded, DeadlineExceeded, HmiError, NotReady, QueueFull
from hmi.engine.admission import MAX_WAIT_SHARE, Admission, retry_after_s
from hmi.engine.batch import Batch, BatchPart, BatchRecord
from hmi.engine.config import EngineConfig
from hmi.engine.deadlines import Deadlines
from hmi.engine.inbox import Inbox
from hmi.engine.load_pace import LoadPace
from hmi.engine.placement import BatchLeases, PlacedHplm
from hmi.engine.request import DocumentAnswer, EngineAnswer, EngineRequest, HplmRef, RequestState
from hmi.engine.scheduler import Scheduler, Temperature
from hmi.engine.stages import ComputeStage
from hmi.engine.step_pace import StepPace
from wire.errors import ErrorCode

MAX_IDLE_S = 5.0
"""How long the engine thread waits at most for something to happen."""
MIN_IDLE_S = 0.001
"""And at least."""
SMOOTHING = 0.2
"""Weight of the newest batch in the running mean of how long one takes."""

RetrievedT = TypeVar("RetrievedT")

log = structlog.get_logger(__name__)


class Runner(Protocol[RetrievedT]):
    """The forward, in the two stages that a pipeline can overlap."""

    def retrieve(self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm]) -> RetrievedT:
        """Look all tokens of the batch up in PLOT."""

    def compute(self, retrieved: RetrievedT) -> Sequence[DocumentAnswer]:
        """Upper layers, adapters and heads: one answer a document, in the batch's order."""


class Placement(Protocol):
    """Where models are. Engine thread only; HplmPlacement says what each method promises."""

    def advance(self, hplm: HplmRef) -> bool: ...

    def take_moved(self) -> Mapping[HplmRef, HmiError | None]: ...

    def let_go(self, hplm: HplmRef) -> None: ...

    def temperature(self, hplm: HplmRef) -> Temperature: ...

    def lease(self, hplms: Sequence[HplmRef], *, is_alone: bool) -> BatchLeases: ...

    def quarantine(self, hplm: HplmRef, error: HmiError) -> None: ...

    def check_integrity(self) -> None: ...

    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class _Flight:
    """A batch between its begin and its end, and what it holds."""

    batch: Batch
    leases: BatchLeases
    begun: float
    placing_s: float
    is_full: bool  # others waited when it was chosen, and found no place in it
    computing_since: float | None = None


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A model that is brought near, and the open requests for it: perhaps none any more."""

    since: float
    requests: dict[EngineRequest, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of a batch's two stages."""

    answers: Sequence[DocumentAnswer] | Exception
    retrieve_ms: float
    compute_ms: float


class Engine(Generic[RetrievedT]):
    """submit() and close() from any thread; everything else on the engine thread (start(), or a test's own).

    A batch has two stages. The engine thread leases, promotes and retrieves; ``stage`` computes, perhaps
    several batches at a time, and while the engine thread does so for the next one.

    Promises: every accepted request's future ends with an answer or an HmiError; one bad request fails alone.
    """

    def __init__(
        self,
        config: EngineConfig,
        *,
        placement: Placement,
        runner: Runner[RetrievedT],
        inbox: Inbox,
        clock: Clock,
        stage: ComputeStage,
        on_batch: Callable[[BatchRecord], None],
    ) -> None:
        self._config = config
        self._placement = placement
        self._runner = runner
        self._inbox = inbox
        self._clock = clock
        self._stage = stage
        self._on_batch = on_batch
        self._scheduler = Scheduler(config.limits, max_passed_over=config.max_passed_over)
        self._deadlines = Deadlines()
        self._waiting: dict[HplmRef, _Awaited] = {}  # for residency
        self._load_pace = LoadPace()
        self._broken: dict[HplmRef, HmiError] = {}  # found by a batch, and still leased
        self._in_flight: list[_Flight] = []  # batches that have begun, in order
        self._is_crowded = False  # no room for a batch beside those, or beside what is copied
        self._finished = -math.inf  # when the last of them ended
        self._pace = StepPace()
        self._next_at = 0.0  # when the batch after those that are computed is to be chosen
        self._num_open_of: Counter[HplmRef] = Counter()
        self._step_s = 0.0
        self._thread: threading.Thread | None = None
        # Shared with the threads that submit:
        self._counts = threading.Condition()
        self._open: dict[EngineRequest, None] = {}
        self._admission = Admission(config.max_requests)
        self._is_closing = False
        self._is_stopped = False

    @property
    def num_open_requests(self) -> int:
        with self._counts:
            return len(self._open)

    @property
    def is_running(self) -> bool:
        """Whether the engine thread is there to answer."""
        return self._thread is not None and self._thread.is_alive() and not self._is_closing

    def start(self) -> None:
        self._thread = threading.Thread(target=self._loop, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: EngineRequest, *, beside: EngineRequest | None = None) -> None:
        """Accept ``request``; its future ends at the deadline at the latest. Raises QueueFull or NotReady.

        ``beside`` arrives in the same moment and right after it in its tenant's queue: both run in one batch
        where that has room. When there is no place for it, its own future alone tells.
        """
        self._accept(request)
        accepted = [request]
        if beside is not None:
            try:
                self._accept(beside)
                accepted.append(beside)
            except HmiError as error:
                beside.future.set_exception(error)
        self._inbox.post(partial(self._admit_all, accepted))

    def close(self, *, drain_s: float) -> None:
        """Refuse new requests, answer accepted ones for ``drain_s`` long, fail the rest, end the thread."""
        with self._counts:
            self._is_closing = True
            self._counts.wait_for(lambda: not self._open, drain_s if self._thread is not None else 0.0)
        self._is_stopped = True
        self._inbox.post(lambda: None)
        if self._thread is not None:
            self._thread.join()
        self._stage.close()
        for request in list(self._open):
            self._fail(request, NotReady("the service was closed before the request was answered"))
        self._placement.close()

    def step(self) -> bool:
        """Take what has arrived, drop what is too late, begin one batch; False when none can begin now."""
        self._inbox.run_all()
        self._settle_moved()
        self._drop_late()
        if not self._may_begin():
            return False
        selection = self._scheduler.next_batch(self._placement.temperature)
        if selection.batch.parts:
            self._begin(selection.batch)
        # After the batch is held: what these bring near may take the place of its own.
        for request in selection.displaced:
            self._wait_for_residency(request)
        # What was displaced may be at hand already, in the host tier: then nothing arrives to tell of it.
        are_ready = any(request.state is RequestState.QUEUED for request in selection.displaced)
        return bool(selection.batch.parts) or are_ready

    def wait(self, timeout_s: float) -> None:
        """Until something arrives for the next step, at most ``timeout_s``."""
        self._inbox.wait(timeout_s)

    def check_integrity(self) -> None:
        """Raise AssertionError when queues, slots or nodes contradict themselves."""
        self._scheduler.check_integrity()
        self._placement.check_integrity()

    def _loop(self) -> None:
        self._stage.enter()
        while not self._is_stopped:
            try:
                if not self.step():
                    self.wait(self.idle_s())
            except Exception:  # the edge of the loop: what is open fails, the service goes on
                log.exception("engine_step_failed")
                for request in list(self._open):
                    self._fail(
                        request,
                        HmiError(ErrorCode.INTERNAL, "the engine failed; the operator's log says why"),
                    )

    def idle_s(self) -> float:
        """How long nothing has to be done unless something arrives: until the next deadline, or until the
        next batch is to be chosen."""
        now = self._clock.monotonic()
        idle_s = MAX_IDLE_S
        deadline = self._deadlines.next_deadline()
        if deadline is not None:
            idle_s = min(max(deadline - self._step_s - now, MIN_IDLE_S), idle_s)
        if self._has_place_beside and self._scheduler.has_work:
            idle_s = min(max(self._next_at - now, MIN_IDLE_S), idle_s)
        return idle_s

    # Arrival

    def _accept(self, request: EngineRequest) -> None:
        request.submitted = self._clock.monotonic()
        with self._counts:
            if self._is_closing:
                raise NotReady("the service is closing")
            self._admission.enter(request, request.submitted)
            self._open[request] = None
        request.answers = [None] * request.num_documents
        request.future.add_done_callback(partial(self._notice_cancellation, request))

    def _admit_all(self, requests: Sequence[EngineRequest]) -> None:
        for request in requests:
            self._admit(request)

    def _admit(self, request: EngineRequest) -> None:
        if request.state.is_final:
            return
        self._num_open_of[request.hplm] += 1
        self._deadlines.add(request)
        if not self._in_flight:
            self._is_crowded = False  # it may need no more room
        if not self._refuse_if_far(request):
            self._wait_for_residency(request)

    def _refuse_if_far(self, request: EngineRequest) -> bool:
        """Refuse a request whose model would come too late after those that are awaited already."""
        if request.hplm in self._waiting or self._placement.temperature(request.hplm) is not Temperature.GONE:
            return False
        wait_s = self._load_pace.wait_s(len(self._waiting))
        allowed_s = MAX_WAIT_SHARE * (request.deadline - self._clock.monotonic())
        if wait_s <= allowed_s:
            return False
        message = "too many models are being loaded before this one; try again later"
        self._fail(request, QueueFull(message, retry_after_s=retry_after_s(wait_s - allowed_s)))
        return True

    def _wait_for_residency(self, request: EngineRequest) -> None:
        if self._placement.advance(request.hplm):
            request.state = RequestState.QUEUED
            self._scheduler.add(request)
        else:
            request.state = RequestState.WAITING_RESIDENCY
            awaited = self._waiting.get(request.hplm)
            if awaited is None:
                awaited = self._waiting[request.hplm] = _Awaited(self._clock.monotonic())
            awaited.requests[request] = None

    def _settle_moved(self) -> None:
        moved = self._placement.take_moved()
        if not moved:
            return
        self._is_crowded = False
        awaited = {hplm: self._waiting.pop(hplm) for hplm in moved if hplm in self._waiting}
        if awaited:
            self._load_pace.observe(
                len(awaited),
                self._clock.monotonic(),
                awaited_since=min(each.since for each in awaited.values()),
                are_more_awaited=bool(self._waiting),
            )
        for hplm, error in moved.items():
            for request in list(awaited[hplm].requests) if hplm in awaited else ():
                if error is None:
                    self._wait_for_residency(request)
                else:
                    self._fail(request, error)
            if self._num_open_of[hplm] == 0:
                self._placement.let_go(hplm)

    def _drop_late(self) -> None:
        # A request that cannot be answered in time is not worth a step any more.
        now = self._clock.monotonic()
        for request in self._deadlines.pop_expired(now + self._step_s):
            if request.deadline >= now:
                # The estimate may come from one slow step: were it never doubted, no step could correct it.
                self._step_s *= 1 - SMOOTHING
            waited = now - request.submitted
            self._fail(
                request,
                DeadlineExceeded(f"no answer was possible in time; the request waited {waited:.1f} s"),
            )

    def _notice_cancellation(self, request: EngineRequest, future: object) -> None:
        if request.future.cancelled():
            self._inbox.post(partial(self._cancel, request))

    def _cancel(self, request: EngineRequest) -> None:
        if not request.state.is_final:
            self._end(request, RequestState.CANCELLED)

    # One batch

    def _may_begin(self) -> bool:
        """While as many batches are computed as can be, the next begins when it is full, or when it is time
        to choose it: until then more may join it, and whoever comes goes before those served enough."""
        if not self._in_flight:
            return not self._is_crowded
        if not self._has_place_beside:
            return False
        if len(self._in_flight) < self._stage.width:
            return True
        return self._clock.monotonic() >= self._next_at or self._scheduler.has_full_batch

    @property
    def _has_place_beside(self) -> bool:
        """Whether one more batch may begin beside those that are in flight."""
        return not self._is_crowded and 0 < len(self._in_flight) < self._stage.depth

    def _begin(self, batch: Batch) -> None:
        start = self._clock.monotonic()
        for part in batch.parts:
            part.request.state = RequestState.RUNNING
            if part.request.started is None:
                part.request.started = start
        leases = self._placement.lease(batch.hplms, is_alone=not self._in_flight)
        placing_s = self._clock.monotonic() - start
        for part in batch.parts:
            error = leases.failed.get(part.request.hplm)
            if error is not None:
                self._fail_placing(part.request, error)
        self._take_back([part for part in batch.parts if part.request.hplm in leases.postponed])
        if not leases.placed:  # there is no batch, and nothing to learn from it about how long one takes
            self._is_crowded = bool(leases.postponed)
            return
        parts = tuple(part for part in batch.parts if part.request.hplm in leases.placed)
        flight = _Flight(
            Batch(parts), leases, begun=start, placing_s=placing_s, is_full=self._scheduler.has_work
        )
        self._in_flight.append(flight)
        work = self._retrieved(flight)
        self._pace.observe_prepare(self._clock.monotonic() - start)
        self._expect_ends()
        self._stage.submit(work, partial(self._finish, flight))

    def _retrieved(self, flight: _Flight) -> Callable[[], _Outcome]:
        """The first stage of a batch, now; answers its second one."""
        start = self._clock.monotonic()
        try:
            retrieved = self._runner.retrieve(flight.batch, flight.leases.placed)
        except Exception as exc:  # noqa: BLE001 one bad request fails alone: the others run without it
            failed = _Outcome(exc, 0.0, 0.0)
            return lambda: failed
        retrieve_ms = 1000 * (self._clock.monotonic() - start)
        return lambda: self._computed(retrieved, retrieve_ms)

    def _computed(self, retrieved: RetrievedT, retrieve_ms: float) -> _Outcome:
        """The second stage. On the compute thread: it reads what the batch's leases hold, nothing else."""
        start = self._clock.monotonic()
        try:
            answers: Sequence[DocumentAnswer] | Exception = self._runner.compute(retrieved)
        except Exception as exc:  # noqa: BLE001 as above
            answers = exc
        return _Outcome(answers, retrieve_ms, 1000 * (self._clock.monotonic() - start))

    def _finish(self, flight: _Flight, outcome: _Outcome) -> None:
        self._in_flight.remove(flight)
        self._is_crowded = False
        if flight.computing_since is not None:
            compute_s = self._clock.monotonic() - flight.computing_since
            self._pace.observe_compute(flight.batch.num_tokens, compute_s)
        self._expect_ends()
        with flight.leases:
            self._take_outcome(
                flight.batch, flight.leases.placed, outcome, placing_ms=1000 * flight.placing_s
            )
        self._quarantine_broken()
        now = self._clock.monotonic()
        self._step_s += SMOOTHING * (now - flight.begun - self._step_s)
        # Of overlapping batches each has the time since the one before it ended.
        step_s = now - max(flight.begun, self._finished)
        self._finished = now
        self._scheduler.observe_step(placing_s=flight.placing_s, step_s=step_s)
        pace_s = step_s if flight.is_full else now - flight.begun
        with self._counts:
            self._admission.observe_step(flight.batch.num_tokens, pace_s, is_full=flight.is_full)

    def _expect_ends(self) -> None:
        """The oldest batches in flight are computed; the next is to be chosen when the first of them ends."""
        now = self._clock.monotonic()
        self._next_at = math.inf
        for flight in self._in_flight[: self._stage.width]:
            if flight.computing_since is None:
                flight.computing_since = now
            end = flight.computing_since + self._pace.next_s(flight.batch.num_tokens)
            self._next_at = min(self._next_at, end)

    def _take_outcome(
        self, batch: Batch, placed: Mapping[HplmRef, PlacedHplm], outcome: _Outcome, *, placing_ms: float
    ) -> None:
        if isinstance(outcome.answers, Exception):
            self._compute_apart(batch.parts, placed, outcome.answers)
            return
        are_finite = _are_finite(outcome.answers)
        if len(batch.parts) > 1 and not are_finite:
            # What is no number in one document may have reached another: each is judged by itself.
            self._compute_each(batch.parts, placed, reason="not finite")
            return
        if batch.parts:
            self._on_batch(
                BatchRecord.of(
                    batch,
                    placing_ms=placing_ms,
                    retrieve_ms=outcome.retrieve_ms,
                    compute_ms=outcome.compute_ms,
                )
            )
        first = 0
        for part in batch.parts:
            part.request.retrieve_ms += outcome.retrieve_ms
            part.request.compute_ms += outcome.compute_ms
            if are_finite:
                self._take_answers(part, outcome.answers[first : first + part.num_documents])
            else:
                self._fail_broken(part.request)
            first += part.num_documents

    def _quarantine_broken(self) -> None:
        """Those that no batch holds any more: what is leased cannot leave the device."""
        for hplm in list(self._broken):
            if not any(hplm in flight.leases.placed for flight in self._in_flight):
                self._placement.quarantine(hplm, self._broken.pop(hplm))

    def _compute_apart(
        self, parts: tuple[BatchPart, ...], placed: Mapping[HplmRef, PlacedHplm], error: Exception
    ) -> None:
        if len(parts) > 1:
            self._compute_each(parts, placed, reason=type(error).__name__)
            return
        request = parts[0].request
        log.error("request_failed", request_id=request.request_id, exc_info=error)
        if not isinstance(error, HmiError):
            error = HmiError(ErrorCode.INTERNAL, "the prediction failed; the operator's log says why")
        self._fail(request, error)

    def _compute_each(
        self, parts: tuple[BatchPart, ...], placed: Mapping[HplmRef, PlacedHplm], *, reason: str
    ) -> None:
        log.warning("batch_split", num_requests=len(parts), reason=reason)
        for part in parts:  # on this thread, whatever runs beside it
            batch = Batch((part,))
            try:
                start = self._clock.monotonic()
                retrieved = self._runner.retrieve(batch, placed)
                outcome = self._computed(retrieved, 1000 * (self._clock.monotonic() - start))
            except Exception as exc:  # noqa: BLE001 it fails alone
                outcome = _Outcome(exc, 0.0, 0.0)
            self._take_outcome(batch, placed, outcome, placing_ms=0.0)

    def _take_answers(self, part: BatchPart, answers: Sequence[DocumentAnswer]) -> None:
        request = part.request
        request.answers[part.first : part.last] = answers
        # Known only now: that lower layers must be computed follows from what the look-up found.
        self._scheduler.charge(
            request,
            sum(
                (answer.token_cost - 1) * request.tokens_of(part.first + index)
                for index, answer in enumerate(answers)
            ),
        )
        if None not in request.answers:
            self._end(request, RequestState.DONE)
        elif not (request.is_all_scheduled or request.state.is_final):
            request.state = RequestState.QUEUED

    def _fail_broken(self, request: EngineRequest) -> None:
        message = "the adapter gave numbers that are not finite; train it again"
        error = HmiError(ErrorCode.BUNDLE_BROKEN, message)
        self._broken[request.hplm] = error  # else it would split batch after batch
        self._fail(request, error)

    def _take_back(self, parts: Sequence[BatchPart]) -> None:
        """The batch had no room for the models of these parts: they run with another one."""
        # All are charged back before any waits again: a tenant's place in the queue follows from its counter.
        have_left_the_queue = [part.request.is_all_scheduled for part in parts]
        for part in parts:
            self._scheduler.take_back(part)
        for part, has_left_the_queue in zip(parts, have_left_the_queue, strict=True):
            request = part.request
            if request.state.is_final:
                continue
            request.state = RequestState.QUEUED
            if has_left_the_queue:
                self._wait_for_residency(request)

    # Ends

    def _fail_placing(self, request: EngineRequest, error: HmiError) -> None:
        if request.state.is_final:
            return
        if not error.retryable and not isinstance(error, BudgetExceeded):
            self._placement.quarantine(request.hplm, error)
        self._fail(request, error)

    def _fail(self, request: EngineRequest, error: HmiError) -> None:
        self._end(request, RequestState.FAILED, error)

    def _end(self, request: EngineRequest, state: RequestState, error: HmiError | None = None) -> None:
        if request.state.is_final:
            return
        if request.state is RequestState.WAITING_RESIDENCY and request.hplm in self._waiting:
            self._waiting[request.hplm].requests.pop(request, None)
        request.state = state
        self._num_open_of[request.hplm] -= 1
        if self._num_open_of[request.hplm] <= 0:
            del self._num_open_of[request.hplm]
            self._placement.let_go(request.hplm)
        if request.future.set_running_or_notify_cancel():
            if error is not None:
                request.future.set_exception(error)
            else:
                request.future.set_result(_answer(request))
        with self._counts:
            self._open.pop(request, None)
            self._admission.leave(request, self._clock.monotonic())
            self._counts.notify_all()


def _are_finite(answers: Sequence[DocumentAnswer]) -> bool:
    return all(np.isfinite(answer.outputs).all() for answer in answers)


def _answer(request: EngineRequest) -> EngineAnswer:
    assert request.started is not None, "an answered request has run"
    return EngineAnswer(
        documents=tuple(answer for answer in request.answers if answer is not None),
        queue_ms=1000 * (request.started - request.submitted),
        retrieve_ms=request.retrieve_ms,
        compute_ms=request.compute_ms,
    )
