"""Scheduler against a naive model over random arrivals, cancellations, weights and temperatures."""

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
Piece = tuple[str, int]
"""Request and document."""


@dataclass(slots=True)
class NaiveRequest:
    name: str
    tenant: str
    lengths: list[int]
    next: int = 0
    num_passed_over: int = 0


@dataclass(slots=True)
class Naive:
    """Looks at everybody before each document. Keeps counters of all tenants for ever, idle or not."""

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

    def next_batch(self, cold: set[str], cancelled: set[str]) -> set[Piece]:
        if not self.queues:
            self.counters.clear()
            self.floor = 0.0
        batch: set[Piece] = set()
        rows: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        recent = {tenant for batch in self.batches[-NUM_BATCHES:] for tenant in batch}
        adapters: set[str] = set()
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
            adapters.add(tenant)
            batch.add((request.name, request.next))
            rows[tenant] += 1
            tokens[tenant] += length
            request.next += 1
            self.counters[tenant] += length / WEIGHTS[tenant]
            if request.next == len(request.lengths):
                self.queues[tenant].pop(0)
            if self.queues[tenant]:
                self._take_turn(tenant)
            else:
                del self.queues[tenant]
        self.batches.append(set(rows))
        active = [self.counters[name] for name in {*rows, *self.queues}]
        self.floor = max(self.floor, min(active, default=0.0))
        for tenant in set_aside:
            self._take_turn(tenant)
        return batch

    def _share(self, tenant: str, recent: set[str], num_rows: int, num_tokens: int) -> float:
        """A cancelled request counts until it is dropped, which it is when it is the oldest."""
        left = [length for request in self.queues[tenant] for length in request.lengths[request.next :]]
        asked = max(
            (num_rows + len(left)) / self.limits.max_rows, (num_tokens + sum(left)) / self.limits.max_tokens
        )
        fair = WEIGHTS[tenant] / sum(WEIGHTS[name] for name in recent | {tenant})
        return max(fair, SHORT_QUEUE if asked <= SHORT_QUEUE else MIN_SHARE)

    def _admits(self, request: NaiveRequest, adapters: set[str], cold: set[str]) -> bool:
        if request.tenant in adapters:
            return True
        is_cold = request.tenant in cold
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


def request_of(name: str, tenant: str, lengths: list[int]) -> EngineRequest:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    return EngineRequest(
        request_id=RequestId(name),
        tenant_id=TenantId(tenant),
        task_id=TaskId("task"),
        hplm=HplmRef(BundleRef(BundleUri("x"), Digest(tenant)), BundleRef(BundleUri("t"), Digest("tree"))),
        documents=Documents(np.zeros(int(offsets[-1]), np.int32), offsets),
        deadline=1e9,
        weight=WEIGHTS[tenant],
    )


arrival = st.tuples(
    st.just("add"), st.sampled_from("abcd"), st.lists(st.integers(1, 8), min_size=1, max_size=4)
)
cancellation = st.tuples(st.just("cancel"), st.integers(0, 30))
batching = st.tuples(st.just("batch"), st.sets(st.sampled_from("abcd")))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(arrival, arrival, cancellation, batching), max_size=50),
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
    scheduler = Scheduler(limits, max_passed_over=MAX_PASSED_OVER)
    naive = Naive(limits)
    requests: list[EngineRequest] = []
    cancelled: set[str] = set()

    def compare(cold: set[str]) -> int:
        selection = scheduler.next_batch(
            lambda hplm: Temperature.COLD if hplm.adapter.digest in cold else Temperature.HOT
        )
        parts = selection.batch.parts
        got = {(part.request.request_id, d) for part in parts for d in range(part.first, part.last)}
        assert got == naive.next_batch(cold, cancelled)
        assert not selection.displaced
        scheduler.check_integrity()
        return len(got)

    for step in steps:
        match step:
            case ("add", str(tenant), list(lengths)):
                name = str(len(requests))
                requests.append(request_of(name, tenant, lengths))
                scheduler.add(requests[-1])
                naive.add(NaiveRequest(name, tenant, lengths))
            case ("cancel", int(number)) if number < len(requests):
                requests[number].state = RequestState.CANCELLED
                cancelled.add(str(number))
            case ("batch", set(cold)):
                compare(cold)
    for _ in range(200):
        if not compare(set()) and not scheduler.has_work:
            break
    assert not scheduler.has_work
    unfinished = [r for r in requests if r.state is not RequestState.CANCELLED and not r.is_all_scheduled]
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
