"""How long does a caller wait over HTTP, at 25, 50, 75 and 90% of the capacity?"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import print_result, say
from benchmarks.http_load import closed_loop, request_bytes, serving
from benchmarks.http_open_loop import HttpOpenLoop, HttpRun, SentText
from benchmarks.http_world import same_texts, sent_texts, served
from benchmarks.line_plot import save_plot
from benchmarks.open_loop import fates
from benchmarks.serving_load import zipf
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import World, scratch
from hmi.engine.simulation.figures import Fate, Percentiles
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload

TENANTS, SLOTS, HOST = 200, 128, 256
CONNECTIONS = 64
LOADS = (0.25, 0.50, 0.75, 0.90)


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds = 5, 60.0
    began = time.monotonic()
    with scratch("serve") as folder, tempfile.TemporaryDirectory() as told:
        world = World(Path(folder), args.tenants)
        checker = Checker(world)
        whole = sent_texts(world)
        texts = [SentText(number, whole[number]) for number in same_texts(world)]
        settings = world.settings(num_slots=SLOTS, num_host=HOST)
        rounds = []
        with serving(served(world, settings), Path(told)) as port:
            _capacity(port, world, texts, args.seconds)  # a warm-up
            for number in range(args.rounds):
                rounds.append(_round(port, world, texts, number, args.seconds, checker, args.sample))
    names = [_percent(load) for load in LOADS]
    loads = {name: _median([figures["loads"][name] for figures in rounds]) for name in names}
    if args.plot is not None:
        _plot(args.plot, loads)
        say(f"the plot is {args.plot}")
    print_result(
        {
            "loads": loads,
            "capacity_requests_per_s": round(statistics.median(f["capacity"] for f in rounds), 1),
            "failed": sum(f["loads"][name]["failed"] for f in rounds for name in names),
            "first_failure": next((f["first_failure"] for f in rounds if f["first_failure"]), ""),
            "rounds": rounds,
            "tenants": args.tenants,
            "texts": len(texts),
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _round(
    port: int,
    world: World,
    texts: list[SentText],
    number: int,
    seconds: float,
    checker: Checker,
    sample: int,
) -> dict[str, Any]:
    """The capacity, and then each load."""
    capacity = _capacity(port, world, texts, seconds)
    loop = HttpOpenLoop(port, world.tenants, texts)
    found: dict[str, Any] = {}
    first_failure = ""
    for load in LOADS:
        run = loop.run(
            make_workload(
                WorkloadConfig(
                    num_tenants=len(world.tenants),
                    popularity=Popularity.ZIPF,
                    exponent=1.0,
                    rate=load * capacity,
                    seconds=seconds,
                    seed=number + 1,
                )
            )
        )
        found[_percent(load)] = _figures(run)
        first_failure = first_failure or run.first_failure
        say(f"round {number + 1}, {_percent(load)} of {capacity:.0f} requests/s: {found[_percent(load)]}")
        checker.check(run.answers, sample=sample, seed=number)
    return {"capacity": round(capacity, 1), "first_failure": first_failure, "loads": found}


def _capacity(port: int, world: World, texts: list[SentText], seconds: float) -> float:
    """Requests a second with CONNECTIONS kept busy."""
    chance = np.random.default_rng(3)
    drawn = chance.choice(len(world.tenants), size=4096, p=zipf(len(world.tenants), 1.0))
    requests = [request_bytes(int(tenant), [texts[n % len(texts)].text]) for n, tenant in enumerate(drawn)]
    figures = closed_loop(port, requests, connections=CONNECTIONS, seconds=seconds)
    if figures.num_failed:
        raise AssertionError(f"{figures.num_failed} requests failed: {figures.first_failure}")
    return figures.requests_per_s


def _figures(run: HttpRun) -> dict[str, float]:
    percentiles = Percentiles.of(run.outcomes)
    return {
        "p50_ms": round(percentiles.p50_ms, 1),
        "p99_ms": round(percentiles.p99_ms, 1),
        "requests": len(run.outcomes),
        "failed": len(run.outcomes) - fates(run.outcomes)[Fate.ANSWERED.value],
        "connections": run.num_connections,
        "sender_delay_ms": round(1000 * run.max_delay_s, 1),
        "generator_share_of_a_core": round(run.generator_share, 2),
    }


def _median(rounds: list[dict[str, float]]) -> dict[str, float]:
    names = ("p50_ms", "p99_ms")
    return {name: round(statistics.median(figures[name] for figures in rounds), 1) for name in names}


def _plot(path: Path, loads: dict[str, dict[str, float]]) -> None:
    save_plot(
        path,
        title="Latency over HTTP, open loop",
        across="load, % of capacity",
        upwards="milliseconds",
        places=[100 * load for load in LOADS],
        lines={name: [loads[_percent(load)][f"{name}_ms"] for load in LOADS] for name in ("p50", "p99")},
    )


def _percent(load: float) -> str:
    return f"{load:.0%}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=12.0, help="of each load of a round")
    parser.add_argument("--tenants", type=int, default=TENANTS)
    parser.add_argument("--sample", type=int, default=20, help="answers of a load compared with the oracle")
    parser.add_argument("--plot", type=Path, help="file for a plot of the latencies, SVG")
    parser.add_argument("--full", action="store_true", help="five rounds of a minute a load")
    return parser


if __name__ == "__main__":
    sys.exit(main())
