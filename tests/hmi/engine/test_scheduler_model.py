"""Scheduler against a naive model over random arrivals, cancellations, weights, temperatures, models that are
gone, documents that are taken back, and charges."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.engine.batch_limits import BatchLimits
from hmi.engine.recent_tenants import MIN_SHARE, NUM_BATCHES, SHORT_QUEUE
from hmi.engine.request import EngineRequest, HplmRef, RequestState
from hmi.engine.scheduler import Scheduler, Temperature
from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId

MAX_PASSED_OVER = 2
WEIGHTS = {"a": 1.0, "b": 2.0, "c": 0.5, "d": 1.0}
MODELS = [f"{tenant}{number}" for tenant in WEIGHTS for number in range(2)]
Piece = tuple[str, int]
"""Request and document."""


@dataclass(slots=True)
class NaiveRequest:
    name: str
    model: str
    lengths: list[int]
    next: int = 0
    num_passed_over: int = 0

    @property
    def tenant(self) -> str:
        return self.model[0]


@dataclass(slots=True)
class Naive:
    """Looks at everybody before each document."""

    limits: BatchLimits
    queues: dict[str, list[NaiveRequest]] = field(default_factory=dict)  # active tenants alone
    counters: dict[str, float] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)
    floor: float = 0.0
    clock: int = 0
    batches: list[set[str]] = field(default_factory=list)

    def add(self, request: NaiveRequest) -> None:
        if request.tenant not in self.queues:
            self.queues[request.tenant] = []
            self.counters[request.tenant] = max(self.counters.get(request.tenant, 0.0), self.floor)
            self._take_turn(request.tenant)
        self.queues[request.tenant].append(request)
        self.queues[request.tenant].sort(key=lambda waiting: int(waiting.name))

    def charge(self, request: NaiveRequest, num_tokens: int) -> None:
        if request.tenant in self.counters:
            self.counters[request.tenant] += num_tokens / WEIGHTS[request.tenant]

    def take_back(self, request: NaiveRequest, first: int) -> None:
        self.charge(request, -sum(request.lengths[first : request.next]))
        request.next = first

    def next_batch(
        self, cold: set[str], gone: set[str], cancelled: set[str]
    ) -> tuple[set[Piece], list[NaiveRequest]]:
        """What is in it, and whose model is gone."""
        if not self.queues:
            self.counters.clear()
            self.floor = 0.0
        batch: set[Piece] = set()
        rows: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        recent = {tenant for batch in self.batches[-NUM_BATCHES:] for tenant in batch}
        adapters: set[str] = set()
        displaced: list[NaiveRequest] = []
        set_aside: list[str] = []
        while rows.total() < self.limits.max_rows and tokens.total() < self.limits.max_tokens:
            looked_at = [tenant for tenant in self.queues if tenant not in set_aside]
            if not looked_at:
                break
            tenant = min(looked_at, key=lambda name: (self.counters[name], self.turns[name]))
            while self.queues[tenant] and self.queues[tenant][0].name in cancelled:
                self.queues[tenant].pop(0)
            if not self.queues[tenant]:
                del self.queues[tenant]
                continue
            request = self.queues[tenant][0]
            if request.model in gone:
                displaced.append(request)
                self._leave(request)
                continue
            length = request.lengths[request.next]
            share = self._share(tenant, recent, rows[tenant], tokens[tenant])
            fits = not rows or (
                tokens.total() + length <= self.limits.max_tokens
                and (
                    not rows[tenant]
                    or (
                        rows[tenant] < share * self.limits.max_rows
                        and tokens[tenant] + length <= share * self.limits.max_tokens
                    )
                )
            )
            if not fits or not self._admits(request, adapters, cold):
                set_aside.append(tenant)
                continue
            adapters.add(request.model)
            batch.add((request.name, request.next))
            rows[tenant] += 1
            tokens[tenant] += length
            request.next += 1
            self.counters[tenant] += length / WEIGHTS[tenant]
            if request.next == len(request.lengths):
                self._leave(request)
            else:
                self._take_turn(tenant)
        self.batches.append(set(rows))
        active = [self.counters[name] for name in {*rows, *self.queues}]
        self.floor = max(self.floor, min(active, default=0.0))
        for tenant in set_aside:
            self._take_turn(tenant)
        for tenant in self.counters.keys() - self.queues.keys():
            if self.counters[tenant] <= self.floor:
                del self.counters[tenant]
        return batch, displaced

    def _leave(self, request: NaiveRequest) -> None:
        self.queues[request.tenant].remove(request)
        if self.queues[request.tenant]:
            self._take_turn(request.tenant)
        else:
            del self.queues[request.tenant]

    def _share(self, tenant: str, recent: set[str], num_rows: int, num_tokens: int) -> float:
        """A cancelled request counts until it is dropped, which it is when it is the oldest."""
        left = [length for request in self.queues[tenant] for length in request.lengths[request.next :]]
        asked = max(
            (num_rows + len(left)) / self.limits.max_rows, (num_tokens + sum(left)) / self.limits.max_tokens
        )
        fair = WEIGHTS[tenant] / sum(WEIGHTS[name] for name in recent | {tenant})
        return max(fair, SHORT_QUEUE if asked <= SHORT_QUEUE else MIN_SHARE)

    def _admits(self, request: NaiveRequest, adapters: set[str], cold: set[str]) -> bool:
        if request.model in adapters:
            return True
        is_cold = request.model in cold
        has_place = len(adapters) < self.limits.max_adapters
        is_overdue = request.num_passed_over >= MAX_PASSED_OVER
        is_admitted = has_place and (
            not is_cold or is_overdue or len(adapters & cold) < self.limits.max_cold_adapters
        )
        request.num_passed_over += is_cold and not is_admitted
        return is_admitted

    def _take_turn(self, tenant: str) -> None:
        self.clock += 1
        self.turns[tenant] = self.clock


def request_of(name: str, model: str, lengths: list[int], *, submitted: float = 0.0) -> EngineRequest:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return EngineRequest(
        request_id=RequestId(name),
        tenant_id=TenantId(model[0]),
        task_id=TaskId("task"),
        hplm=HplmRef(BundleRef(BundleUri("x"), Digest(model)), BundleRef(BundleUri("t"), Digest("tree"))),
        documents=Documents(np.zeros(int(offsets[-1]), np.int32), offsets),
        deadline=1e9,
        weight=WEIGHTS[model[0]],
        submitted=submitted,
    )


@dataclass(slots=True)
class Both:
    """The scheduler and the model, told the same."""

    scheduler: Scheduler
    naive: Naive
    requests: list[EngineRequest] = field(default_factory=list)
    modelled: list[NaiveRequest] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    away: list[int] = field(default_factory=list)  # in no queue, and to come back: waiting for their model

    def arrive(self, model: str, lengths: list[int]) -> None:
        number = len(self.requests)
        self.requests.append(request_of(str(number), model, lengths, submitted=number))
        self.modelled.append(NaiveRequest(str(number), model, lengths))
        self._add(number)

    def cancel(self, number: int) -> None:
        self.requests[number].state = RequestState.CANCELLED
        self.cancelled.add(str(number))

    def charge(self, number: int, num_tokens: int) -> None:
        self.scheduler.charge(self.requests[number], num_tokens)
        self.naive.charge(self.modelled[number], num_tokens)

    def come_back(self) -> None:
        for number in self.away:
            if not self.requests[number].state.is_final:
                self._add(number)
        self.away.clear()

    def batch(self, cold: set[str], gone: set[str], taken_back: set[int]) -> int:
        """Documents in the next batch, of which the parts ``taken_back`` then do not run."""
        selection = self.scheduler.next_batch(lambda hplm: _temperature(hplm.adapter.digest, cold, gone))
        parts = selection.batch.parts
        got = {(part.request.request_id, d) for part in parts for d in range(part.first, part.last)}
        expected, displaced = self.naive.next_batch(cold, gone, self.cancelled)
        assert got == expected
        assert [request.request_id for request in selection.displaced] == [each.name for each in displaced]
        assert self.scheduler.num_remembered_tenants == len(self.naive.counters)
        self.scheduler.check_integrity()
        self.away += [int(each.name) for each in displaced]
        back = [parts[place] for place in taken_back if place < len(parts)]
        self.away += [int(part.request.request_id) for part in back if part.request.is_all_scheduled]
        for part in back:
            self.scheduler.take_back(part)
            self.naive.take_back(self.modelled[int(part.request.request_id)], part.first)
        self.scheduler.check_integrity()
        return len(got)

    def _add(self, number: int) -> None:
        self.scheduler.add(self.requests[number])
        self.naive.add(self.modelled[number])


def _temperature(model: str, cold: set[str], gone: set[str]) -> Temperature:
    if model in gone:
        return Temperature.GONE
    return Temperature.COLD if model in cold else Temperature.HOT


arrival = st.tuples(
    st.just("add"), st.sampled_from(MODELS), st.lists(st.integers(1, 8), min_size=1, max_size=4)
)
cancellation = st.tuples(st.just("cancel"), st.integers(0, 30))
charge = st.tuples(st.just("charge"), st.integers(0, 30), st.integers(1, 20))
coming_back = st.tuples(st.just("come back"))
some_models = st.sets(st.sampled_from(MODELS), max_size=4)
batching = st.tuples(
    st.just("batch"), some_models, st.one_of(st.just(set()), some_models), st.sets(st.integers(0, 5))
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(arrival, arrival, cancellation, charge, coming_back, batching, batching), max_size=60),
    st.builds(
        BatchLimits,
        max_rows=st.integers(1, 12),
        max_tokens=st.integers(8, 60),
        max_adapters=st.integers(1, 4),
        max_cold_adapters=st.integers(1, 2),
    ),
)
def test_it_agrees_with_a_model_that_looks_at_everybody(
    steps: list[tuple[object, ...]], limits: BatchLimits
) -> None:
    both = Both(Scheduler(limits, max_passed_over=MAX_PASSED_OVER), Naive(limits))
    for step in steps:
        match step:
            case ("add", str(model), list(lengths)):
                both.arrive(model, lengths)
            case ("cancel", int(number)) if number < len(both.requests):
                both.cancel(number)
            case ("charge", int(number), int(num_tokens)) if number < len(both.requests):
                both.charge(number, num_tokens)
            case ("come back",):
                both.come_back()
            case ("batch", set(cold), set(gone), set(taken_back)):
                both.batch(cold, gone, taken_back)
    both.come_back()
    for _ in range(200):
        if not both.batch(set(), set(), set()) and not both.scheduler.has_work:
            break
    assert not both.scheduler.has_work
    unfinished = [r for r in both.requests if not r.state.is_final and not r.is_all_scheduled]
    assert not unfinished, "everything that was not cancelled has run"


def test_tenants_are_served_by_weight() -> None:
    limits = BatchLimits(max_rows=100, max_tokens=70, max_adapters=9, max_cold_adapters=9)
    scheduler = Scheduler(limits, max_passed_over=2)
    for number in range(300):
        for tenant in "abc":
            scheduler.add(request_of(f"{tenant}{number}", tenant, [1]))
    tokens: Counter[str] = Counter()
    for _ in range(4):
        for part in scheduler.next_batch(lambda hplm: Temperature.HOT).batch.parts:
            tokens[part.request.tenant_id] += part.num_tokens
    assert tokens == {"a": 80, "b": 160, "c": 40}


def test_a_request_that_comes_back_for_its_next_step_keeps_what_it_was_charged() -> None:
    """As a sequence that is generated would: between two steps nothing of its tenant waits."""
    limits = BatchLimits(max_rows=1, max_tokens=100, max_adapters=9, max_cold_adapters=9)
    scheduler = Scheduler(limits, max_passed_over=2)
    requests = [request_of("a", "a", [10]), request_of("d", "d", [40])]
    for request in requests:
        scheduler.add(request)
    order = []
    for _ in range(10):
        (part,) = scheduler.next_batch(lambda hplm: Temperature.HOT).batch.parts
        order.append(part.request.request_id)
        part.request.next_document = 0  # its next step is as long as this one
        scheduler.add(part.request)
        scheduler.check_integrity()
    assert Counter(order) == {"a": 8, "d": 2}, "in tokens, both had the same"
