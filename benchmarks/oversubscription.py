"""How does latency grow when more adapters are in use than the device holds?"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_result, say
from benchmarks.serving_load import ClosedLoop, chooser
from benchmarks.serving_oracle import Answered, Checker
from benchmarks.serving_world import Tenant, World, add_arguments, scratch
from hmi.base.errors import HmiError
from hmi.engine.request import EngineAnswer
from hmi.kinds.single_label import softmax
from hmi.service.live_plane import LivePlane

SLOTS, HOST = 64, 256
FACTORS = (1, 2, 10)
LOAD = 0.5
"""Of the capacity that a closed loop reaches with a working set of the slots."""
WINDOW = 256
STARVED = 10.0
"""A tenant whose median is this many times the median of all was starved."""


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds = 7, 20.0
    began = time.monotonic()
    with scratch("oversubscription") as folder:
        world = World(Path(folder), args.slots * max(FACTORS), num_lower=args.num_lower)
        world.fill_disk_tier()
        runs: dict[int, OpenLoop] = {}
        planes: dict[int, LivePlane] = {}
        rate = 0.0
        for factor in FACTORS:
            count = args.slots * factor
            plane = world.plane(num_slots=args.slots, num_host=args.host)
            plane.start()
            planes[factor] = plane
            uniform = np.full(count, 1 / count)
            tenants = world.tenants[:count]
            capacity = ClosedLoop(world, plane, chooser(tenants, uniform, 3), WINDOW).run(args.warm_s)
            say(f"{factor}x: {capacity:.0f} texts/s in a closed loop")
            if factor == 1:
                rate = LOAD * capacity
            runs[factor] = OpenLoop(world, plane, chooser(tenants, uniform, 5))
        for number in range(args.rounds):
            for run in runs.values():
                run.run(rate, args.seconds, seed=number)
        for plane in planes.values():
            plane.close()
        checker = Checker(world)
        for factor, run in runs.items():
            checker.check(run.answers, sample=args.sample, seed=factor)
    figures = {f"{factor}x": run.figures() for factor, run in runs.items()}
    print_result(
        {
            "p50_ratio_2x": _ratio(runs[2], runs[1]),
            "p50_ratio_10x": _ratio(runs[10], runs[1]),
            "failed": sum(run.num_failed for run in runs.values()),
            "starved_tenants": sum(run.num_starved() for run in runs.values()),
            "per_run": figures,
            "rate_per_s": round(rate, 1),
            "slots": args.slots,
            "host_adapters": args.host,
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


class OpenLoop:
    """Sends requests of one text at Poisson times, whether or not earlier ones were answered."""

    def __init__(self, world: World, plane: LivePlane, next_tenant: Callable[[], Tenant]) -> None:
        self._world = world
        self._plane = plane
        self._next_tenant = next_tenant
        self._num_sent = 0
        self.latencies_ms: list[float] = []
        self._of_tenant: dict[str, list[float]] = {}
        self.p50_ms: list[float] = []
        self.answers: list[Answered] = []
        self.num_failed = 0

    def run(self, rate: float, seconds: float, *, seed: int) -> None:
        chance = np.random.default_rng(seed)
        first = len(self.latencies_ms)
        futures: list[Future[EngineAnswer]] = []
        at = time.monotonic()
        end = at + seconds
        while at < end:
            at += chance.exponential(1 / rate)
            time.sleep(max(0.0, at - time.monotonic()))
            futures.append(self._send(at))
        for future in futures:
            future.exception()
        self.p50_ms.append(statistics.median(self.latencies_ms[first:]))

    def figures(self) -> dict[str, Any]:
        p50, p99 = np.percentile(self.latencies_ms, (50, 99))
        return {
            "p50_ms": round(float(p50), 1),
            "p99_ms": round(float(p99), 1),
            "answered": len(self.latencies_ms),
            "evictions": self._plane.placement.num_evictions,
        }

    def num_starved(self) -> int:
        """Tenants with a few answers whose median is far above everybody's."""
        overall = statistics.median(self.latencies_ms)
        medians = (statistics.median(values) for values in self._of_tenant.values() if len(values) >= 3)
        return sum(median > STARVED * overall for median in medians)

    def _send(self, at: float) -> "Future[EngineAnswer]":
        tenant, text = self._next_tenant(), self._num_sent % len(self._world.texts)
        self._num_sent += 1
        request = self._world.request(tenant, text)

        def done(future: "Future[EngineAnswer]") -> None:
            if future.exception() is not None:
                self.num_failed += 1
                return
            latency_ms = 1000 * (time.monotonic() - at)
            self.latencies_ms.append(latency_ms)
            self._of_tenant.setdefault(tenant.tenant_id, []).append(latency_ms)
            probabilities = softmax(future.result().documents[0].outputs)[0]
            self.answers.append(Answered(tenant, text, probabilities))

        request.future.add_done_callback(done)
        try:
            self._plane.engine.submit(request)
        except HmiError as error:  # refused at the door
            request.future.set_exception(error)
        return request.future


def _ratio(many: OpenLoop, few: OpenLoop) -> float:
    """Median of the rounds' ratios: each pair ran one after the other."""
    return round(statistics.median(m / f for m, f in zip(many.p50_ms, few.p50_ms, strict=True)), 2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of one run")
    parser.add_argument("--warm-s", type=float, default=10.0, help="closed loop before the first round")
    parser.add_argument("--sample", type=int, default=40, help="answers of each run that are checked")
    add_arguments(parser, slots=SLOTS, host=HOST)
    return parser


if __name__ == "__main__":
    sys.exit(main())
