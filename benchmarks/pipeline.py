"""What does it bring to retrieve and promote the next batch while one is computed?"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from benchmarks.common import print_result, say
from benchmarks.serving_load import ClosedLoop, chooser
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import World, add_arguments, scratch
from hmi.engine.inbox import Inbox
from hmi.engine.stages import ComputeStage, ComputeThreads, SameThread
from hmi.service.settings import ServiceSettings

SLOTS = 64
FACTOR = 10
"""Working set over slots; the host tier holds half of it, so that batches have adapters to promote and the
disk is read all the while."""
WINDOW = 512


def stages() -> dict[str, Callable[[Inbox], ComputeStage] | None]:
    """How batches are computed; None: as the service does."""
    cores = torch.get_num_threads()
    return {
        "sequential": lambda inbox: SameThread(),
        "one_forward": lambda inbox: ComputeThreads(inbox, num_threads=1, cores_each=cores),
        "pipelined": None,
    }


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds = 7, 20.0
    began = time.monotonic()
    count = args.slots * FACTOR
    with scratch("pipeline") as folder:
        world = World(Path(folder), count, num_lower=args.num_lower)
        uniform = np.full(count, 1 / count)
        planes = {
            name: world.plane(num_slots=args.slots, num_host=args.host, make_stage=make_stage)
            for name, make_stage in stages().items()
        }
        loops = {
            name: ClosedLoop(world, plane, chooser(world.tenants, uniform, 3), WINDOW)
            for name, plane in planes.items()
        }
        for name, plane in planes.items():
            plane.start()
            say(f"{name}: {loops[name].run(args.warm_s):.0f} texts/s while warming up")
        speeds: dict[str, list[float]] = {name: [] for name in planes}
        stalls: dict[str, list[float]] = {name: [] for name in planes}
        at_a_time = ServiceSettings(**world.settings(num_slots=args.slots, num_host=args.host)).num_forwards
        widths = {"sequential": 1, "one_forward": 1, "pipelined": at_a_time}
        for number in range(args.rounds):
            for name, loop in loops.items():
                world.batches.clear()
                start = time.monotonic()
                speeds[name].append(loop.run(args.seconds))
                computing_s = sum(batch.compute_ms for batch in world.batches) / 1000
                stalls[name].append(1 - computing_s / widths[name] / (time.monotonic() - start))
            say(f"round {number + 1}: " + ", ".join(f"{n} {s[-1]:.0f}" for n, s in speeds.items()))
        promotions = {name: plane.placement.num_evictions for name, plane in planes.items()}
        for plane in planes.values():
            plane.close()
        checker = Checker(world)
        for number, loop in enumerate(loops.values()):
            checker.check(loop.answers, sample=args.sample, seed=number)
    print_result(
        {
            "ratio_pipelined": _ratio(speeds, "pipelined"),
            "ratio_one_forward": _ratio(speeds, "one_forward"),
            "stall_share": round(statistics.median(stalls["pipelined"]), 3),
            "stall_share_sequential": round(statistics.median(stalls["sequential"]), 3),
            "texts_per_s": {name: round(statistics.median(values), 1) for name, values in speeds.items()},
            "evictions": promotions,
            "failed": sum(loop.num_failed for loop in loops.values()),
            "forwards": at_a_time,
            "slots": args.slots,
            "tenants": count,
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _ratio(speeds: dict[str, list[float]], name: str) -> float:
    """Over one stage after the other: median of the rounds' ratios, each of neighbouring runs."""
    pairs = zip(speeds[name], speeds["sequential"], strict=True)
    return round(statistics.median(one / other for one, other in pairs), 3)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of one run")
    parser.add_argument("--warm-s", type=float, default=10.0, help="before the first round, each")
    parser.add_argument("--sample", type=int, default=30, help="answers of each run that are checked")
    add_arguments(parser, slots=SLOTS, host=SLOTS * FACTOR // 2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
