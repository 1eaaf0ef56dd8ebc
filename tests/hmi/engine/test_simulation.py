"""The simulation: workloads as asked for, the real engine in simulated time, figures, no torch."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.simulation.device import DeviceConfig
from hmi.engine.simulation.figures import Fate, fair_shares, jain, tokens_by_tenant
from hmi.engine.simulation.simulator import SimulationConfig, SimulationResult, simulate
from hmi.engine.simulation.timeline import Timeline
from hmi.engine.simulation.workload import Lengths, Popularity, WorkloadConfig, make_workload, popularity

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
    *, num_slots: int = 64, load_s: float = 0.02, deadline_s: float = 10.0, **changes: object
) -> SimulationConfig:
    limits = BatchLimits(max_rows=32, max_tokens=1024, max_adapters=16, max_cold_adapters=4)
    device = DeviceConfig(
        num_slots=num_slots,
        num_host_adapters=200,
        num_loaders=2,
        adapter_bytes=300_000,
        load_s=load_s,
        promote_s=0.0005,
        step_s=0.01,
        token_s=0.00024,
    )
    return SimulationConfig(
        engine=EngineConfig(limits=limits, max_requests=200),
        device=device,
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
    code = "import sys, hmi.cli.simulate; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or "torch was imported"
