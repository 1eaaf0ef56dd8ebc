"""How much useful work is left when three times as much is asked as can be done?"""

import statistics
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from benchmarks.common import print_result, say
from benchmarks.open_loop import OpenLoop, capacity_texts_per_s, fates, rounds_parser, run_rounds
from benchmarks.serving_world import World
from hmi.base.errors import QueueFull
from hmi.engine.request import EngineRequest
from hmi.engine.simulation.figures import Fate, Percentiles
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload
from hmi.service.live_plane import LivePlane

NUM_TENANTS = 60
OFFERED = 3.0
DEADLINE_S = 5.0
REFUSAL = QueueFull("sent to nothing", retry_after_s=1.0)


def main() -> int:
    args = rounds_parser(__doc__, seconds_of="of overload in a round").parse_args()
    began = time.monotonic()
    rounds, checked = run_rounds(args, NUM_TENANTS, _round)
    print_result(
        {
            "goodput_ratio": round(statistics.median(figures["goodput_ratio"] for figures in rounds), 4),
            "goodput_ratio_beside_sender": round(
                statistics.median(figures["goodput_ratio_beside_sender"] for figures in rounds), 4
            ),
            "share_of_rest_429": round(
                statistics.median(figures["share_of_rest_429"] for figures in rounds), 4
            ),
            "lost": sum(figures["fates"]["lost"] for figures in rounds),
            "failed": sum(figures["fates"]["failed"] for figures in rounds),
            "rounds": rounds,
            "tenants": NUM_TENANTS,
            **checked,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _round(world: World, plane: LivePlane, number: int, seconds: float) -> dict[str, Any]:
    """Capacity before and after the overload, which is compared with their mean; and the capacity while the
    same requests are sent to nothing, which tells what sending them takes from the same cores."""
    before = capacity_texts_per_s(world, plane, world.tenants, seconds / 2)
    load = WorkloadConfig(
        num_tenants=NUM_TENANTS,
        popularity=Popularity.ZIPF,
        exponent=1.0,
        rate=OFFERED * before,
        seconds=seconds,
        seed=number + 1,
    )
    beside = _capacity_beside_sender(world, plane, load, seconds / 2)
    loop = OpenLoop(world, plane, world.tenants, deadline_s=DEADLINE_S)
    loop.run(make_workload(load))
    after = capacity_texts_per_s(world, plane, world.tenants, seconds / 2)
    first = min(outcome.arrived_s for outcome in loop.outcomes)
    good = [
        outcome
        for outcome in loop.outcomes
        if outcome.fate is Fate.ANSWERED
        and outcome.latency_s <= DEADLINE_S
        and outcome.ended_s - first <= seconds  # what is answered after the overload does not count
    ]
    ended = fates(loop.outcomes)
    rest = len(loop.outcomes) - ended["answered"]
    figures = {
        "goodput_ratio": round(len(good) / seconds / ((before + after) / 2), 4),
        "goodput_ratio_beside_sender": round(len(good) / seconds / beside, 4),
        "share_of_rest_429": round(ended["refused"] / max(rest, 1), 4),
        "capacity_texts_per_s": [round(before, 1), round(after, 1)],
        "capacity_beside_sender_texts_per_s": round(beside, 1),
        "sender_share_of_a_core": round(loop.sender_share, 3),
        "offered_texts_per_s": round(len(loop.outcomes) / seconds, 1),
        "fates": ended,
        "p50_ms": round(Percentiles.of(loop.outcomes).p50_ms, 1),
        "p99_ms": round(Percentiles.of(loop.outcomes).p99_ms, 1),
        "sender_delay_ms": round(1000 * loop.max_delay_s, 1),
    }
    say(f"round {number + 1}: {figures}")
    return {**figures, "answers": loop.answers}


def _capacity_beside_sender(world: World, plane: LivePlane, load: WorkloadConfig, seconds: float) -> float:
    def refuse(request: EngineRequest) -> None:
        raise REFUSAL

    loop = OpenLoop(world, plane, world.tenants, deadline_s=DEADLINE_S, submit=refuse)
    workload = make_workload(replace(load, seconds=seconds + 1))
    sender = threading.Thread(target=loop.run, args=(workload,))
    sender.start()
    capacity = capacity_texts_per_s(world, plane, world.tenants, seconds)
    sender.join()
    return capacity


if __name__ == "__main__":
    sys.exit(main())
