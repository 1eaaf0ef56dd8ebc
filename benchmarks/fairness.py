"""Does a tenant that floods take anything from the others?"""

import statistics
import sys
import time
from typing import Any

import numpy as np

from benchmarks.common import print_result, say
from benchmarks.open_loop import OpenLoop, capacity_texts_per_s, fates, rounds_parser, run_rounds
from benchmarks.serving_world import Tenant, World
from hmi.engine.simulation.figures import Fate, Percentiles, fair_shares, jain, tokens_by_tenant
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload
from hmi.service.live_plane import LivePlane

NUM_TENANTS = 24
BASE_LOAD = 0.6
FLOODED_LOAD = 2.0
DEADLINE_S = 10.0


def main() -> int:
    args = rounds_parser(__doc__, seconds_of="of each of the two runs of a round").parse_args()
    began = time.monotonic()
    rounds, checked = run_rounds(args, NUM_TENANTS + 1, _round)
    print_result(
        {
            "jain": round(statistics.median(figures["jain"] for figures in rounds), 4),
            "p99_ratio": round(statistics.median(figures["p99_ratio"] for figures in rounds), 3),
            "p50_ratio": round(statistics.median(figures["p50_ratio"] for figures in rounds), 3),
            "others_refused_or_late": sum(figures["others_refused_or_late"] for figures in rounds),
            "lost": sum(figures["flooded"]["lost"] for figures in rounds),
            "rounds": rounds,
            "tenants": NUM_TENANTS + 1,
            **checked,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _round(world: World, plane: LivePlane, number: int, seconds: float) -> dict[str, Any]:
    """The same requests of the same tenants without and with the flood; the capacity is measured first."""
    capacity = capacity_texts_per_s(world, plane, world.tenants, seconds / 3)
    quiet = _run(world, plane, world.tenants, _load(capacity, seconds, number, flood=False))
    flooded = _run(world, plane, world.tenants, _load(capacity, seconds, number, flood=True))
    before = Percentiles.of(quiet.outcomes)
    others = [outcome for outcome in flooded.outcomes if outcome.tenant != NUM_TENANTS]
    after = Percentiles.of(others)
    demands = tokens_by_tenant(flooded.outcomes, NUM_TENANTS + 1, answered=False)
    end_s = flooded.outcomes[0].arrived_s + seconds
    in_time = [outcome for outcome in flooded.outcomes if outcome.ended_s <= end_s]  # not what is left over
    served = tokens_by_tenant(in_time, NUM_TENANTS + 1, answered=True)
    shares = fair_shares(demands, float(served.sum()), np.ones(NUM_TENANTS + 1))
    figures = {
        "jain": round(jain(served, shares), 4),
        "p99_ratio": round(after.p99_ms / before.p99_ms, 3),
        "p50_ratio": round(after.p50_ms / before.p50_ms, 3),
        "others_p50_ms": [round(before.p50_ms, 1), round(after.p50_ms, 1)],
        "others_p99_ms": [round(before.p99_ms, 1), round(after.p99_ms, 1)],
        "others_refused_or_late": sum(outcome.fate is not Fate.ANSWERED for outcome in others),
        "flooder_served_over_share": round(float(served[-1] / shares[-1]), 3),
        "capacity_texts_per_s": round(capacity, 1),
        "quiet": fates(quiet.outcomes),
        "flooded": fates(flooded.outcomes),
        "sender_delay_ms": round(1000 * flooded.max_delay_s, 1),
    }
    say(f"round {number + 1}: {figures}")
    return {**figures, "answers": [*quiet.answers, *flooded.answers]}


def _load(capacity: float, seconds: float, number: int, *, flood: bool) -> WorkloadConfig:
    return WorkloadConfig(
        num_tenants=NUM_TENANTS,
        popularity=Popularity.ZIPF,
        exponent=0.8,
        rate=BASE_LOAD * capacity,
        seconds=seconds,
        noisy_rate=(FLOODED_LOAD - BASE_LOAD) * capacity if flood else 0.0,
        seed=number + 1,
    )


def _run(world: World, plane: LivePlane, tenants: list[Tenant], load: WorkloadConfig) -> OpenLoop:
    loop = OpenLoop(world, plane, tenants, deadline_s=DEADLINE_S)
    loop.run(make_workload(load))
    return loop


if __name__ == "__main__":
    sys.exit(main())
