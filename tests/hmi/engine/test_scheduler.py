"""Scheduler and TenantQueues: fairness, limits, cold adapters; against a naive oracle; no torch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.engine.batch_limits import BatchLimits
from hmi.engine.request import EngineRequest, HplmRef, RequestState
from hmi.engine.scheduler import Scheduler, Temperature
from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId

ROOMY = BatchLimits(max_rows=1000, max_tokens=100_000, max_adapters=1000, max_cold_adapters=1000)


def request_of(
    tenant: str, lengths: list[int], *, adapter: str | None = None, name: str = "r"
) -> EngineRequest:
    offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
    ref = BundleRef(BundleUri("x"), Digest(adapter or tenant))
    return EngineRequest(
        request_id=RequestId(name),
        tenant_id=TenantId(tenant),
        task_id=TaskId("task"),
        hplm=HplmRef(ref, BundleRef(BundleUri("t"), Digest("tree"))),
        documents=Documents(np.zeros(int(offsets[-1]), np.int32), offsets),
        deadline=1e9,
    )


def hot(hplm: HplmRef) -> Temperature:
    return Temperature.HOT


def served(scheduler: Scheduler) -> Counter[str]:
    """Tokens by tenant of the next batch."""
    tokens: Counter[str] = Counter()
    for part in scheduler.next_batch(hot).batch.parts:
        tokens[part.request.tenant_id] += part.num_tokens
    return tokens


def scheduler_of(limits: BatchLimits = ROOMY, max_passed_over: int = 2) -> Scheduler:
    return Scheduler(limits, max_passed_over=max_passed_over)


def limits_of(rows: int = 1000, tokens: int = 100_000, adapters: int = 1000, cold: int = 1000) -> BatchLimits:
    return BatchLimits(max_rows=rows, max_tokens=tokens, max_adapters=adapters, max_cold_adapters=cold)


def test_one_batch_mixes_tenants() -> None:
    scheduler = scheduler_of()
    scheduler.add(request_of("acme", [5, 5]))
    scheduler.add(request_of("globex", [5]))
    assert served(scheduler) == {"acme": 10, "globex": 5}
    assert not scheduler.has_work


def test_a_flooding_tenant_does_not_push_out_the_other() -> None:
    scheduler = scheduler_of(limits_of(tokens=100))
    for _ in range(50):
        scheduler.add(request_of("flood", [10] * 8))
    scheduler.add(request_of("acme", [10] * 5))
    assert served(scheduler) == {"flood": 50, "acme": 50}


def busy_scheduler() -> Scheduler:
    """Twenty tenants were served of late; batches have 64 rows."""
    scheduler = scheduler_of(limits_of(rows=64))
    for number in range(20):
        scheduler.add(request_of(f"other {number}", [1]))
    assert len(served(scheduler)) == 20
    return scheduler


def test_among_many_others_a_long_queue_gets_an_eighth_of_a_batch_and_short_ones_are_taken_whole() -> None:
    scheduler = busy_scheduler()
    scheduler.add(request_of("flood", [1] * 100))
    scheduler.add(request_of("busy", [1] * 16))
    scheduler.add(request_of("other 1", [1]))
    assert served(scheduler) == {"flood": 8, "busy": 16, "other 1": 1}


def test_a_queue_of_few_long_texts_is_long() -> None:
    scheduler = scheduler_of(limits_of(rows=64, tokens=1600))
    for number in range(20):
        scheduler.add(request_of(f"other {number}", [1]))
    served(scheduler)
    scheduler.add(request_of("flood", [100] * 8))
    scheduler.add(request_of("busy", [100] * 4))
    assert served(scheduler) == {"flood": 200, "busy": 400}


def test_what_fills_a_batch_is_counted_up_to_each_tenants_share() -> None:
    scheduler = busy_scheduler()
    scheduler.add(request_of("flood", [1] * 100))
    assert not scheduler.has_full_batch, "it may have an eighth of it"
    for number in range(20):
        scheduler.add(request_of(f"other {number}", [1] * 3))
    assert scheduler.has_full_batch
    assert sum(served(scheduler).values()) == 64


def test_alone_a_tenant_fills_a_batch() -> None:
    scheduler = scheduler_of(limits_of(rows=8))
    scheduler.add(request_of("flood", [1] * 7))
    assert not scheduler.has_full_batch
    scheduler.add(request_of("flood", [1]))
    assert scheduler.has_full_batch
    assert served(scheduler) == {"flood": 8}


def test_tokens_fill_a_batch_as_rows_do() -> None:
    scheduler = scheduler_of(limits_of(tokens=100))
    scheduler.add(request_of("one", [40, 40]))
    assert not scheduler.has_full_batch
    scheduler.add(request_of("other", [20]))
    assert scheduler.has_full_batch, "the limit itself fills it"
    assert served(scheduler) == {"one": 80, "other": 20}


def test_who_cost_more_than_it_has_tokens_is_served_later() -> None:
    scheduler = scheduler_of(limits_of(rows=1))
    requests = {tenant: request_of(tenant, [10] * 6) for tenant in ("exact", "plain")}
    for request in requests.values():
        scheduler.add(request)
    tokens: Counter[str] = Counter()
    for _ in range(6):
        batch = served(scheduler)
        if "exact" in batch:
            scheduler.charge(requests["exact"], 10)  # its lower layers were computed: twice the cost
        tokens += batch
    assert tokens == {"exact": 20, "plain": 40}


def test_a_tenant_that_idled_has_saved_nothing_up() -> None:
    scheduler = scheduler_of(limits_of(tokens=100))
    for _ in range(100):
        scheduler.add(request_of("busy", [10]))
    for _ in range(5):
        served(scheduler)
    for _ in range(100):
        scheduler.add(request_of("late", [10]))
    both = served(scheduler) + served(scheduler)
    assert both == {"busy": 100, "late": 100}


def test_a_tenant_cannot_lower_its_counter_by_pausing() -> None:
    scheduler = scheduler_of(limits_of(rows=1))
    scheduler.add(request_of("greedy", [30]))
    for _ in range(30):
        scheduler.add(request_of("steady", [10]))
    assert [next(iter(served(scheduler))) for _ in range(2)] == ["greedy", "steady"]  # greedy is idle now
    for _ in range(30):
        scheduler.add(request_of("greedy", [10]))
    assert [next(iter(served(scheduler))) for _ in range(3)] == ["steady", "steady", "greedy"]


def test_a_batch_keeps_to_rows_tokens_and_adapters() -> None:
    for limits, expected in ((limits_of(rows=3), 3), (limits_of(tokens=25), 2), (limits_of(adapters=2), 2)):
        scheduler = scheduler_of(limits)
        for tenant in "abcde":
            scheduler.add(request_of(tenant, [10]))
        assert scheduler.next_batch(hot).batch.num_rows == expected


def test_a_request_too_large_for_one_batch_is_spread_in_order() -> None:
    scheduler = scheduler_of(limits_of(rows=4))
    request = request_of("acme", [3] * 10)
    scheduler.add(request)
    seen = []
    while (batch := scheduler.next_batch(hot).batch).parts:
        seen.append((batch.parts[0].first, batch.parts[0].last))
    assert seen == [(0, 4), (4, 8), (8, 10)]


def test_a_document_longer_than_the_token_limit_runs_alone() -> None:
    scheduler = scheduler_of(limits_of(tokens=10))
    scheduler.add(request_of("acme", [50]))
    assert served(scheduler) == {"acme": 50}


def test_a_long_document_is_not_starved_by_short_ones() -> None:
    scheduler = scheduler_of(limits_of(tokens=100))
    scheduler.add(request_of("long", [90]))
    for _ in range(100):
        scheduler.add(request_of("short", [20]))
    tokens: Counter[str] = Counter()
    for _ in range(3):
        tokens += served(scheduler)
    assert tokens["long"] == 90


def test_cancelled_requests_are_passed_by() -> None:
    scheduler = scheduler_of()
    gone, kept = request_of("acme", [5]), request_of("acme", [7])
    scheduler.add(gone)
    scheduler.add(kept)
    gone.state = RequestState.CANCELLED
    assert served(scheduler) == {"acme": 7}
    assert not served(scheduler)
    assert not scheduler.has_work


def test_few_cold_adapters_join_a_batch_and_none_waits_for_ever() -> None:
    scheduler = scheduler_of(limits_of(cold=1), max_passed_over=2)
    for tenant in ("cold1", "cold2", "cold3", "cold4"):
        scheduler.add(request_of(tenant, [1]))
    for _ in range(20):
        scheduler.add(request_of("hot", [1] * 10))

    def temperature(hplm: HplmRef) -> Temperature:
        return Temperature.COLD if hplm.adapter.digest.startswith("cold") else Temperature.HOT

    batches = [scheduler.next_batch(temperature).batch for _ in range(3)]
    cold = [sum(part.request.tenant_id.startswith("cold") for part in batch.parts) for batch in batches]
    assert cold == [1, 1, 2], "one a batch, until the last two were passed over twice"


def test_a_request_whose_model_is_gone_is_given_back() -> None:
    scheduler = scheduler_of()
    gone, kept = request_of("acme", [5]), request_of("globex", [5])
    scheduler.add(gone)
    scheduler.add(kept)
    selection = scheduler.next_batch(lambda hplm: Temperature.GONE if hplm is gone.hplm else Temperature.HOT)
    assert selection.displaced == (gone,)
    assert [part.request for part in selection.batch.parts] == [kept]
    assert gone.next_document == 0
    scheduler.check_integrity()


def test_thousands_of_idle_tenants_cost_nothing() -> None:
    scheduler = scheduler_of()
    for number in range(2_000):
        scheduler.add(request_of(f"tenant {number}", [1]))
    while scheduler.next_batch(hot).batch.parts:
        pass
    assert (scheduler.num_active_tenants, scheduler.num_remembered_tenants) == (0, 0)


def test_idle_tenants_are_forgotten_once_others_have_passed_them() -> None:
    scheduler = scheduler_of(limits_of(tokens=200))
    for number in range(100):
        scheduler.add(request_of(f"tenant {number}", [1]))
    for _ in range(100):
        scheduler.add(request_of("busy", [10]))
    served(scheduler)
    served(scheduler)
    assert scheduler.num_remembered_tenants == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.integers(1, 9), min_size=1, max_size=4)),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 5),
    st.integers(9, 30),
)
def test_it_agrees_with_an_oracle_that_looks_at_everybody(
    arrivals: list[tuple[str, list[int]]], max_rows: int, max_tokens: int
) -> None:
    """The oracle scans all tenants for the least served one before each document."""
    scheduler = scheduler_of(limits_of(rows=max_rows, tokens=max_tokens))
    requests = [request_of(tenant, lengths, name=str(n)) for n, (tenant, lengths) in enumerate(arrivals)]
    for request in requests:
        scheduler.add(request)
    queues: dict[str, list[tuple[str, int, int]]] = {}
    for request in requests:
        for document in range(request.num_documents):
            queues.setdefault(request.tenant_id, []).append(
                (request.request_id, document, request.tokens_of(document))
            )
    counters = dict.fromkeys(queues, 0)
    batches: list[set[str]] = []
    arrival = {tenant: order for order, tenant in enumerate(queues)}
    clock = len(arrival)
    while any(queues.values()):
        rows, tokens, expected, set_aside = 0, 0, set(), []
        sharers = {name for batch in batches[-32:] for name in batch}
        own: dict[str, list[int]] = {}
        while rows < max_rows and tokens < max_tokens:
            active = [tenant for tenant in queues if queues[tenant] and tenant not in set_aside]
            if not active:
                break
            tenant = min(active, key=lambda name: (counters[name], arrival[name]))
            name, document, length = queues[tenant][0]
            mine, share = own.get(tenant, []), 1 / len({*sharers, tenant})
            has_its_share = len(mine) >= max_rows * share or sum(mine) + length > max_tokens * share
            if rows and (tokens + length > max_tokens or (mine and has_its_share)):
                set_aside.append(tenant)
                continue
            queues[tenant].pop(0)
            expected.add((name, document))
            own.setdefault(tenant, []).append(length)
            rows, tokens = rows + 1, tokens + length
            counters[tenant] += length
            clock += 1
            arrival[tenant] = clock
        batches.append(set(own))
        for tenant in set_aside:
            clock += 1
            arrival[tenant] = clock
        batch = scheduler.next_batch(hot).batch
        got = {(p.request.request_id, d) for p in batch.parts for d in range(p.first, p.last)}
        assert got == expected
        scheduler.check_integrity()
    assert not scheduler.next_batch(hot).batch.parts


@pytest.mark.parametrize("field", ["max_rows", "max_tokens", "max_adapters", "max_cold_adapters"])
def test_limits_that_admit_nothing_are_refused(field: str) -> None:
    values = {"max_rows": 1, "max_tokens": 1, "max_adapters": 1, "max_cold_adapters": 1, field: 0}
    with pytest.raises(ValueError, match=field):
        BatchLimits(**values)
