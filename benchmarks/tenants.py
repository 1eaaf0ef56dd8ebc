"""Does throughput stay when one device serves 10,000 tenants instead of one?"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.common import print_result, say
from benchmarks.serving_load import ClosedLoop, chooser, shares_of_power, zipf
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import World, add_arguments, scratch

SLOTS, HOST = 256, 2000
WINDOW = 768
WHOLE_MODEL_PARAMETERS = 22_713_216
"""Of the backbone: what a fine-tuned model of its own would take, in four bytes each."""


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds, args.warm_s = 7, 20.0, 60.0
    began = time.monotonic()
    most = max(args.tenants)
    with scratch("tenants") as folder:
        world = World(Path(folder), most, num_lower=args.num_lower)
        world.fill_disk_tier()
        runs = {f"{count}": (count, zipf(count, 1.0)) for count in sorted(args.tenants)}
        runs[f"{most}_alpha03"] = (most, shares_of_power(most, 0.3))
        planes = {name: world.plane(num_slots=args.slots, num_host=args.host) for name in runs}
        loops = {
            name: ClosedLoop(world, planes[name], chooser(world.tenants[:count], shares, seed=7), WINDOW)
            for name, (count, shares) in runs.items()
        }
        speeds: dict[str, list[float]] = {name: [] for name in runs}
        for name, plane in planes.items():
            plane.start()
            warm = loops[name].run(args.warm_s)
            say(f"{name} tenants: {warm:.0f} texts/s while warming up")
        for number in range(args.rounds):
            for name, loop in loops.items():
                speeds[name].append(loop.run(args.seconds))
            say(f"round {number + 1}: " + ", ".join(f"{n} {s[-1]:.0f}" for n, s in speeds.items()))
        figures = {name: _figures(planes[name], loops[name], speeds[name]) for name in runs}
        largest = planes[str(most)]
        used = world.per_adapter_bytes() * args.slots + sum(largest.placement.device_nodes().values())
        for plane in planes.values():
            plane.close()
        checker = Checker(world)
        for number, loop in enumerate(loops.values()):
            checker.check(loop.answers, sample=args.sample, seed=number)
    one = str(min(args.tenants))
    print_result(
        {
            "texts_per_s": {name: round(statistics.median(values), 1) for name, values in speeds.items()},
            f"ratio_{most}_over_{one}": _ratio(speeds, str(most), one),
            "ratio_alpha03": _ratio(speeds, f"{most}_alpha03", one),
            "per_run": figures,
            "device_bytes_per_tenant": round(used / most),
            "device_bytes_per_resident_adapter": world.per_adapter_bytes(),
            "share_of_whole_model": round(used / most / (4 * WHOLE_MODEL_PARAMETERS), 5),
            "failed": sum(loop.num_failed for loop in loops.values()),
            "slots": args.slots,
            "host_adapters": args.host,
            "private_leaves": world.num_leaves,
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _ratio(speeds: dict[str, list[float]], many: str, one: str) -> float:
    """Median of the rounds' ratios: each pair ran one after the other."""
    return round(statistics.median(m / o for m, o in zip(speeds[many], speeds[one], strict=True)), 3)


def _figures(plane: Any, loop: ClosedLoop, speeds: list[float]) -> dict[str, Any]:
    return {
        "rounds": [round(speed, 1) for speed in speeds],
        "answered": len(loop.answers),
        "evictions": plane.placement.num_evictions,
        "distinct_tenants": len({answer.tenant.tenant_id for answer in loop.answers}),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, nargs="+", default=[1, 100, 1000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of one run")
    parser.add_argument("--warm-s", type=float, default=15.0, help="before the first round, each")
    parser.add_argument("--sample", type=int, default=60, help="answers of each run that are checked")
    add_arguments(parser, slots=SLOTS, host=HOST)
    return parser


if __name__ == "__main__":
    sys.exit(main())
