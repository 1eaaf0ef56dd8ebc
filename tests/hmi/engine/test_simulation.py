"""The simulation: workloads as asked for, the real engine in simulated time, figures, no torch."""

import subprocess
import sys
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hmi.engine.batch import Batch
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.simulation.device import DeviceConfig, Forward, SimulatedCores
from hmi.engine.simulation.figures import (
    Fate,
    fair_shares,
    jain,
    least_served,
    tokens_by_tenant,
    wait_percentiles_ms,
)
from hmi.engine.simulation.lengths import Lengths
from hmi.engine.simulation.simulator import SimulationConfig, SimulationResult, simulate
from hmi.engine.simulation.timeline import Timeline
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload, popularity

CAPACITY = 4000
"""Tokens a second of device_of()'s full batches, nearly."""


def load_of(**changes: object) -> WorkloadConfig:
    values: dict[str, object] = {
        "num_tenants": 20,
        "popularity": Popularity.ZIPF,
        "exponent": 0.5,
        "rate": 50.0,
        "seconds": 10.0,
        **changes,
    }
    return WorkloadConfig(**values)  # type: ignore[arg-type]  # fields of different types


def config_of(
    *,
    num_slots: int = 64,
    load_s: float = 0.02,
    deadline_s: float = 10.0,
    device: Mapping[str, float] = MappingProxyType({}),
    **changes: object,
) -> SimulationConfig:
    limits = BatchLimits(max_rows=32, max_tokens=1024, max_adapters=16, max_cold_adapters=4)
    values: dict[str, float] = {
        "num_slots": num_slots,
        "num_host_adapters": 200,
        "num_loaders": 2,
        "adapter_bytes": 300_000,
        "load_s": load_s,
        "load_core_s": 0.001,
        "promote_s": 0.0005,
        "step_s": 0.01,
        "token_s": 0.00024,
        **device,
    }
    return SimulationConfig(
        engine=EngineConfig(limits=limits, max_requests=200),
        device=DeviceConfig(**values),  # type: ignore[arg-type]  # some are int
        deadline_s=deadline_s,
        **changes,  # type: ignore[arg-type]  # fields of different types
    )


def count(result: SimulationResult, fate: Fate) -> int:
    return sum(outcome.fate is fate for outcome in result.outcomes)


def test_a_light_load_is_answered_whole() -> None:
    result = simulate(config_of(), make_workload(load_of()))
    assert count(result, Fate.ANSWERED) == len(result.outcomes) > 300
    assert max(outcome.latency_s for outcome in result.outcomes) < 1


def test_the_same_arguments_give_the_same_result() -> None:
    load = load_of(rate=200.0, cv=4.0, noisy_rate=50.0)
    first, second = (simulate(config_of(), make_workload(load)) for _ in range(2))
    assert first == second


def test_an_overload_is_refused_early_and_what_is_answered_fills_the_device() -> None:
    result = simulate(config_of(), make_workload(load_of(rate=400.0, seconds=20.0)))
    refused, late = count(result, Fate.REFUSED), count(result, Fate.LATE)
    assert refused > 1000 and late == 0, "what is admitted is answered in time"
    assert result.busy_s > 0.9 * result.ended_s
    answered = sum(outcome.num_tokens for outcome in result.outcomes if outcome.fate is Fate.ANSWERED)
    assert answered / result.ended_s > 0.85 * CAPACITY


def test_a_flood_takes_nothing_from_the_others() -> None:
    load = load_of(rate=60.0, seconds=20.0, noisy_rate=250.0)
    result = simulate(config_of(), make_workload(load))
    others = [outcome for outcome in result.outcomes if outcome.tenant != load.noisy_tenant]
    assert all(outcome.fate is Fate.ANSWERED for outcome in others)
    assert np.percentile([outcome.latency_s for outcome in others], 99) < 1.0
    demands = tokens_by_tenant(result.outcomes, 21, answered=False)
    served = tokens_by_tenant(result.outcomes, 21, answered=True)
    assert jain(served, fair_shares(demands, served.sum(), np.ones(21))) > 0.99


def test_a_flood_makes_the_others_wait_little_longer() -> None:
    changes = {"num_tenants": 24, "exponent": 0.8, "rate": 75.0, "seconds": 20.0}
    p99_s = []
    for noisy_rate in (0.0, 175.0):  # 0.6 of the capacity; twice the capacity together with it
        result = simulate(config_of(), make_workload(load_of(noisy_rate=noisy_rate, **changes)))
        late_start = [o for o in result.outcomes if o.tenant != 24 and o.arrived_s > 2]
        p99_s.append(float(np.percentile([outcome.latency_s for outcome in late_start], 99)))
    assert p99_s[1] < 2.5 * p99_s[0], "a quarter of a batch for it would make it 3.5 times, all of it 6.6"


def closed_of(**changes: object) -> WorkloadConfig:
    return load_of(**{"window": 128, "seconds": 5.0, **changes})


def tokens_per_s(device: Mapping[str, float], **changes: object) -> float:
    result = simulate(config_of(device=device, warm_s=1.0), make_workload(closed_of(**changes)))
    answered = [o.num_tokens for o in result.outcomes if 1 <= o.ended_s < 5 and o.fate is Fate.ANSWERED]
    return sum(answered) / 4


def test_a_closed_loop_keeps_so_many_open_and_ends_in_time() -> None:
    result = simulate(config_of(), make_workload(closed_of(window=40)))
    assert count(result, Fate.ANSWERED) == len(result.outcomes) > 400
    moments = np.linspace(0.5, 4.9, 30)
    for moment in moments:
        assert sum(outcome.arrived_s <= moment < outcome.ended_s for outcome in result.outcomes) == 40
    assert max(outcome.arrived_s for outcome in result.outcomes) < 5


def test_two_forwards_beside_each_other_give_what_slowing_each_other_down_leaves() -> None:
    one = tokens_per_s({"num_forwards": 1, "beside": 0.6})
    two = tokens_per_s({"num_forwards": 2, "beside": 0.6})
    assert two / one == pytest.approx(2 / 1.6, rel=0.03)
    assert tokens_per_s({"num_forwards": 2}) / one == pytest.approx(2, rel=0.03)


def test_adapters_in_a_batch_cost_what_is_said() -> None:
    one = 1024 / (0.01 + 0.00024 * 1024 + 0.02)
    assert tokens_per_s({"adapter_s": 0.02}, num_tenants=1) == pytest.approx(one, rel=0.08)
    sixteen = 1024 / (0.01 + 0.00024 * 1024 + 16 * 0.02)
    assert tokens_per_s({"adapter_s": 0.02}) == pytest.approx(sixteen, rel=0.15)


def test_forwards_stall_while_adapters_are_awaited_and_not_while_nobody_waits() -> None:
    slow = config_of(load_s=0.2)
    awaiting = simulate(slow, make_workload(closed_of(num_tenants=5000, exponent=0.1, window=16)))
    assert awaiting.stalled_s > 0.5 * awaiting.ended_s
    idle = simulate(config_of(), make_workload(load_of(rate=5.0, num_tenants=1)))
    assert idle.busy_s < 0.3 * idle.ended_s, "there is little to do"
    assert idle.stalled_s < 0.03 * idle.ended_s
    full = simulate(config_of(warm_s=1.0), make_workload(closed_of()))
    assert full.stalled_s < 0.01 * full.ended_s


def test_what_is_counted_begins_when_it_is_warm() -> None:
    whole = simulate(config_of(), make_workload(closed_of()))
    warm = simulate(config_of(warm_s=2.0), make_workload(closed_of()))
    assert warm.outcomes == whole.outcomes, "the same happens"
    assert whole.num_promotions == 20 and warm.num_promotions == 0, "all 20 were there by then"
    assert warm.busy_s == pytest.approx(whole.busy_s - 2.0, abs=0.1)
    assert len(warm.batches) < len(whole.batches)


def test_a_wait_is_the_part_of_the_latency_before_the_batch() -> None:
    result = simulate(config_of(), make_workload(closed_of(window=64)))
    for outcome in result.outcomes:
        assert 0 <= outcome.waited_s < outcome.latency_s
    p50_ms, p99_ms = wait_percentiles_ms(result.outcomes)
    assert 0 < p50_ms < p99_ms < 1000 * max(outcome.latency_s for outcome in result.outcomes)


class Cores:
    """Simulated ones, and when each forward that they were given has ended."""

    def __init__(self, **device: float) -> None:
        self.timeline = Timeline()
        config = config_of(device={"num_forwards": 2, "beside": 0.5, **device}).device
        self.cores = SimulatedCores(config, self.timeline)
        self.ends_s: list[float] = []

    def add(self, forward_s: float) -> None:
        self.cores.add(Forward(Batch(()), forward_s, lambda: self.ends_s.append(self.timeline.monotonic())))


def test_forwards_slow_each_other_down_as_long_as_they_run_beside_each_other() -> None:
    world = Cores()
    world.add(1.0)
    world.timeline.advance(0.4)  # 0.6 left
    world.add(1.0)
    world.add(0.3)  # waits for a place
    world.timeline.advance(10.0)
    # 0.4 + 0.6 x 1.5 = 1.3: the second has 0.4 left, and the third begins; with it until 1.75, then alone.
    assert world.ends_s == pytest.approx([1.3, 1.3 + 0.45, 1.3 + 0.45 + 0.1])
    assert world.cores.num_running == 0


def test_the_engines_thread_slows_forwards_down_as_well() -> None:
    world = Cores()
    world.add(1.0)
    world.cores.work_on_engine_thread(0.3)
    assert world.timeline.monotonic() == pytest.approx(0.3)
    world.timeline.advance(10.0)
    assert world.ends_s == pytest.approx([0.3 + 0.8])


def test_what_loads_work_slows_forwards_down_too() -> None:
    load = {"num_tenants": 5000, "exponent": 0.1}
    idle = tokens_per_s({"load_core_s": 0.0, "beside": 1.0}, **load)
    assert tokens_per_s({"load_core_s": 0.02, "beside": 1.0}, **load) < 0.8 * idle


def test_loads_that_would_come_too_late_are_refused() -> None:
    load = load_of(num_tenants=5000, popularity=Popularity.POWER, exponent=1.0, rate=60.0, seconds=20.0)
    result = simulate(config_of(load_s=0.1, deadline_s=2.0), make_workload(load))
    assert count(result, Fate.REFUSED) > count(result, Fate.LATE)
    assert count(result, Fate.ANSWERED) > 0.85 * 20 * 20, "two loaders bring 20 adapters a second"


def test_new_adapter_versions_are_loaded_and_nothing_fails() -> None:
    load = make_workload(load_of())
    still, churning = simulate(config_of(), load), simulate(config_of(churn_per_minute=20.0), load)
    assert churning.num_loads > still.num_loads
    assert count(churning, Fate.ANSWERED) == len(churning.outcomes)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(5, 400),
    st.floats(0.5, 8),
    st.integers(1, 300),
    st.floats(0, 300),
    st.floats(0.2, 20),
    st.integers(16, 64),
    st.integers(1, 6),
)
@example(5.0, 1.0, 1, 1e-307, 1.0, 16, 1)  # one arrival in longer than a float can tell
def test_every_request_ends_once_and_in_time(
    rate: float,
    cv: float,
    num_tenants: int,
    noisy_rate: float,
    deadline_s: float,
    num_slots: int,
    num_texts: int,
) -> None:
    load = load_of(
        rate=rate,
        cv=cv,
        num_tenants=num_tenants,
        noisy_rate=noisy_rate,
        num_texts=num_texts,
        seconds=2.0,
        lengths=Lengths.LOGNORMAL,
        off_domain=0.3,
    )
    workload = make_workload(load)
    result = simulate(config_of(num_slots=num_slots, deadline_s=deadline_s), workload)
    assert len(result.outcomes) == workload.num_requests
    assert count(result, Fate.LOST) == count(result, Fate.FAILED) == 0
    longest_step_s = 0.01 + 2 * 0.00024 * 1024 + 16 * 0.0005
    assert all(outcome.latency_s <= deadline_s + longest_step_s + 0.01 for outcome in result.outcomes)


def test_popularity_is_what_its_name_says() -> None:
    power = popularity(load_of(popularity=Popularity.POWER, exponent=0.3, num_tenants=1000))
    assert power[0] == pytest.approx(0.001**0.3)
    zipf = popularity(load_of(exponent=1.0, num_tenants=1000))
    assert zipf[0] / zipf[9] == pytest.approx(10)
    assert power.sum() == pytest.approx(1) and zipf.sum() == pytest.approx(1)


def test_arrivals_have_the_rate_and_the_variation_asked_for() -> None:
    for cv in (0.5, 1.0, 4.0):
        times_s = make_workload(load_of(rate=100.0, seconds=400.0, cv=cv)).times_s
        gaps = np.diff(times_s)
        assert len(times_s) == pytest.approx(40_000, rel=0.1)
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.1)


def test_lengths_are_as_design_says() -> None:
    normal = make_workload(load_of(rate=2000.0)).text_tokens
    assert (normal.mean(), normal.std()) == (pytest.approx(32, abs=0.5), pytest.approx(8, abs=0.5))
    lognormal = make_workload(load_of(rate=2000.0, lengths=Lengths.LOGNORMAL)).text_tokens
    assert np.percentile(lognormal, (50, 99)) == pytest.approx((40, 128), rel=0.1)


def test_a_noisy_tenant_changes_nobody_elses_requests() -> None:
    quiet, noisy = make_workload(load_of()), make_workload(load_of(noisy_rate=100.0, noisy_from_s=5.0))
    of_others = noisy.tenants < 20
    assert np.array_equal(noisy.times_s[of_others], quiet.times_s)
    assert np.array_equal(noisy.text_tokens[of_others], quiet.text_tokens)
    assert noisy.times_s[~of_others].min() >= 5


@pytest.mark.parametrize("field", ["num_tenants", "exponent", "rate", "seconds", "cv", "num_texts"])
def test_a_load_that_makes_no_sense_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match=field):
        load_of(**{field: 0})


def test_too_few_slots_for_a_batch_are_refused() -> None:
    with pytest.raises(ValueError, match="slots"):
        config_of(num_slots=15)


def test_fair_shares_are_max_min_by_weight() -> None:
    demands = np.array([1.0, 10.0, 10.0, 2.0])
    assert fair_shares(demands, 13.0, np.ones(4)).tolist() == [1, 5, 5, 2]
    assert fair_shares(demands, 12.0, np.array([1.0, 2.0, 1.0, 1.0])).tolist() == [1, 6, 3, 2]
    assert fair_shares(demands, 100.0, np.ones(4)).tolist() == demands.tolist()


def test_jain_is_one_when_equal_and_one_in_n_when_one_has_all() -> None:
    shares = np.array([2.0, 4.0, 0.0, 8.0])
    assert jain(shares / 2, shares) == pytest.approx(1)
    assert jain(np.array([2.0, 0.0, 0.0, 0.0]), shares) == pytest.approx(1 / 3)


def test_least_served_is_the_worst_of_the_shares() -> None:
    shares = np.array([2.0, 4.0, 0.0])
    assert least_served(np.array([2.0, 1.0, 0.0]), shares) == 0.25
    assert least_served(np.zeros(3), np.zeros(3)) == 1


@pytest.mark.parametrize("wrong", [{"window": 0}, {"window": 8, "noisy_rate": 1.0}])
def test_a_window_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="window"):
        load_of(**wrong)


@pytest.mark.parametrize("name", ["num_forwards", "adapter_bytes", "beside", "adapter_s", "prepare_s"])
def test_a_device_that_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        config_of(device={name: -1})


def test_time_goes_from_event_to_event() -> None:
    timeline = Timeline()
    seen: list[tuple[str, float]] = []

    def second() -> None:
        seen.append(("second", timeline.monotonic()))
        timeline.at(1.0, lambda: seen.append(("past", timeline.monotonic())))

    timeline.at(2.0, second)
    timeline.at(1.0, lambda: seen.append(("first", timeline.monotonic())))
    timeline.advance(5.0)
    assert seen == [("first", 1.0), ("second", 2.0), ("past", 2.0)]
    assert timeline.monotonic() == 5.0 and timeline.next_event_s is None


def test_it_runs_without_torch() -> None:
    code = "import sys, hmi.cli.simulation_report; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or "torch was imported"
