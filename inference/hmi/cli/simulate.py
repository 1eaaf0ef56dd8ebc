"""`simulate`: what the scheduler would do with a load and a device that are not there."""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from hmi.base.errors import InvalidInput
from hmi.cli.main import EXIT_OK
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.simulation.device import DeviceConfig
from hmi.engine.simulation.figures import Fate, Percentiles, fair_shares, jain, tokens_by_tenant
from hmi.engine.simulation.simulator import SimulationConfig, SimulationResult, simulate
from hmi.engine.simulation.workload import Lengths, Popularity, Workload, WorkloadConfig, make_workload


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="drive the scheduler with synthetic requests in simulated time; needs no model",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    load = parser.add_argument_group("load")
    load.add_argument("--tenants", type=int, default=10_000, help="each with one adapter")
    unequal = load.add_mutually_exclusive_group()
    unequal.add_argument(
        "--alpha", type=float, default=0.3, help="power popularity: int(power(alpha) * tenants)"
    )
    unequal.add_argument("--zipf", type=float, help="Zipf popularity with this exponent instead")
    load.add_argument("--rate", type=float, default=50.0, help="requests a second, together")
    load.add_argument(
        "--cv", type=float, default=1.0, help="of the times between requests (gamma); 1: Poisson"
    )
    load.add_argument(
        "--seconds", type=float, default=60.0, help="of arrivals; what waits then is still answered"
    )
    load.add_argument(
        "--lengths",
        choices=[kind.value for kind in Lengths],
        default=Lengths.NORMAL.value,
        help="tokens of a text: N(32, 8), or lognormal with p50 40 and p99 128",
    )
    load.add_argument("--texts", type=int, default=1, help="in a request")
    load.add_argument("--noisy-rate", type=float, default=0.0, help="further requests a second of one tenant")
    load.add_argument("--noisy-from", type=float, default=0.0, help="second at which that tenant begins")
    load.add_argument(
        "--off-domain", type=float, default=0.0, help="share of requests that take the exact path"
    )
    load.add_argument("--churn", type=float, default=0.0, help="share of the adapters replaced in a minute")
    load.add_argument("--weights", type=float, nargs="+", default=[1.0], help="of the tenants, in turn")
    load.add_argument("--deadline-s", type=float, default=30.0)
    load.add_argument("--seed", type=int, default=1)
    device = parser.add_argument_group("device")
    device.add_argument("--slots", type=int, default=256, help="adapters on the device")
    device.add_argument("--host-adapters", type=int, default=2000, help="adapters in the host tier")
    device.add_argument("--adapter-kb", type=float, default=300.0, help="size of one, in kB")
    device.add_argument("--loaders", type=int, default=2, help="loads from disk at the same time")
    device.add_argument("--disk-ms", type=float, default=20.0, help="latency of a load")
    device.add_argument("--disk-mb-s", type=float, default=500.0, help="bandwidth of the disk")
    device.add_argument("--link-gb-s", type=float, default=8.0, help="bandwidth from host to device")
    device.add_argument("--step-ms", type=float, default=10.0, help="of a batch, however small")
    device.add_argument("--token-us", type=float, default=200.0, help="of each token in it")
    device.add_argument("--lookup-us", type=float, default=10.0, help="of looking a token up, beside a step")
    scheduler = parser.add_argument_group("scheduler")
    scheduler.add_argument("--max-rows", type=int, default=64, help="texts in a batch")
    scheduler.add_argument("--max-tokens", type=int, default=2048, help="tokens in a batch")
    scheduler.add_argument("--max-adapters", type=int, default=32, help="distinct adapters in a batch")
    scheduler.add_argument("--max-queue", type=int, default=1024, help="requests that wait at most")
    scheduler.add_argument(
        "--max-passed-over", type=int, default=4, help="batches that may leave a cold adapter behind"
    )


def run(args: argparse.Namespace) -> int:
    """Simulate, print a table and, as the last line, one JSON object."""
    try:
        workload_config, config = _workload_config(args), _simulation_config(args)
    except ValueError as exc:
        raise InvalidInput(str(exc)) from exc
    began = time.monotonic()
    workload = make_workload(workload_config)
    result = simulate(config, workload)
    figures = {
        **_figures(config, workload_config, workload, result),
        "wall_s": round(time.monotonic() - began, 2),
    }
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<28}{_shown(value):>16}")
    print(json.dumps({"figures": figures, "arguments": _given(args)}))
    return EXIT_OK


def capacity_tokens_per_s(config: SimulationConfig, tokens_per_text: float) -> float:
    """What full batches of texts of that length amount to, with every adapter on the device."""
    limits, device = config.engine.limits, config.device
    tokens = min(limits.max_tokens, limits.max_rows * tokens_per_text)
    return tokens / (device.step_s + tokens * device.token_s)


def _workload_config(args: argparse.Namespace) -> WorkloadConfig:
    return WorkloadConfig(
        num_tenants=args.tenants,
        popularity=Popularity.POWER if args.zipf is None else Popularity.ZIPF,
        exponent=args.alpha if args.zipf is None else args.zipf,
        rate=args.rate,
        seconds=args.seconds,
        cv=args.cv,
        lengths=Lengths(args.lengths),
        num_texts=args.texts,
        max_text_tokens=args.max_tokens,
        noisy_rate=args.noisy_rate,
        noisy_from_s=args.noisy_from,
        off_domain=args.off_domain,
        seed=args.seed,
    )


def _simulation_config(args: argparse.Namespace) -> SimulationConfig:
    limits = BatchLimits(
        max_rows=args.max_rows,
        max_tokens=args.max_tokens,
        max_adapters=args.max_adapters,
        max_cold_adapters=args.max_adapters,
    )
    if args.disk_mb_s <= 0 or args.link_gb_s <= 0:
        raise ValueError("--disk-mb-s and --link-gb-s must be positive")
    return SimulationConfig(
        engine=EngineConfig(limits=limits, max_requests=args.max_queue, max_passed_over=args.max_passed_over),
        device=DeviceConfig(
            num_slots=args.slots,
            num_host_adapters=args.host_adapters,
            num_loaders=args.loaders,
            load_s=args.disk_ms / 1e3 + args.adapter_kb / 1e3 / args.disk_mb_s,
            promote_s=args.adapter_kb / 1e6 / args.link_gb_s,
            step_s=args.step_ms / 1e3,
            token_s=args.token_us / 1e6,
            lookup_s=args.lookup_us / 1e6,
        ),
        deadline_s=args.deadline_s,
        weights=args.weights,
        churn_per_minute=args.churn,
    )


def _figures(
    config: SimulationConfig, load: WorkloadConfig, workload: Workload, result: SimulationResult
) -> dict[str, float | None]:
    outcomes, batches = result.outcomes, result.batches
    fates = {fate: sum(outcome.fate is fate for outcome in outcomes) for fate in Fate}
    others = [outcome for outcome in outcomes if outcome.tenant != load.noisy_tenant]
    num_tenants = load.num_tenants + 1
    demands = tokens_by_tenant(outcomes, num_tenants, answered=False)
    served = tokens_by_tenant(outcomes, num_tenants, answered=True)
    weights = np.resize(np.array(config.weights), num_tenants)
    capacity = capacity_tokens_per_s(config, float(workload.text_tokens.mean()) if len(outcomes) else 1.0)
    seconds = max(result.ended_s, 1e-9)
    num_batches = max(len(batches), 1)
    figures: dict[str, float | None] = {
        "requests": len(outcomes),
        **{fate.value: number for fate, number in fates.items()},
        "tenants_that_asked": int((demands > 0).sum()),
        "offered_over_capacity": float(demands.sum()) / load.seconds / capacity,
        "answered_over_capacity": float(served.sum()) / seconds / capacity,
        "answered_tokens_per_s": float(served.sum()) / seconds,
        **asdict(Percentiles.of(outcomes)),
        "others_p99_ms": Percentiles.of(others).p99_ms if load.noisy_tenant is not None else None,
        "jain": jain(served, fair_shares(demands, float(served.sum()), weights)),
        "busy_share": result.busy_s / seconds,
        "batches": len(batches),
        "rows_per_batch": sum(batch.num_rows for batch in batches) / num_batches,
        "tokens_per_batch": sum(batch.num_tokens for batch in batches) / num_batches,
        "adapters_per_batch": sum(len(batch.adapters) for batch in batches) / num_batches,
        "loads_from_disk": result.num_loads,
        "promotions": result.num_promotions,
        "found_on_device": 1 - result.num_promotions / max(result.num_placed, 1),
    }
    return {name: value if value is None else round(value, 4) for name, value in figures.items()}


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _given(args: argparse.Namespace) -> Mapping[str, object]:
    return {name: value for name, value in vars(args).items() if isinstance(value, (int, float, str, list))}
