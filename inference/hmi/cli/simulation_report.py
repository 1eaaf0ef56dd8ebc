"""What came of a simulation: a table for people, and one JSON object."""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from hmi.base.errors import InvalidInput
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.simulation.device import DeviceConfig
from hmi.engine.simulation.figures import (
    Fate,
    Percentiles,
    fair_shares,
    jain,
    least_served,
    tokens_by_tenant,
    wait_percentiles_ms,
)
from hmi.engine.simulation.lengths import Lengths
from hmi.engine.simulation.simulator import SimulationConfig, SimulationResult, simulate
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload


def show_simulation(args: argparse.Namespace) -> None:
    """What the options of `simulate` ask for: prints a table and, as the last line, one JSON object. Raises
    InvalidInput."""
    try:
        workload_config, config = _workload_config(args), _simulation_config(args)
    except ValueError as exc:
        raise InvalidInput(str(exc)) from exc
    began = time.monotonic()
    result = simulate(config, make_workload(workload_config))
    figures = {
        **_figures(config, workload_config, result),
        "wall_s": round(time.monotonic() - began, 2),
    }
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):<28}{_shown(value):>16}")
    print(json.dumps({"figures": figures, "arguments": _given(args)}))


def capacity_tokens_per_s(config: SimulationConfig, *, text_tokens: float, num_adapters: float) -> float:
    """What full batches of texts of that length, of so many adapters each, amount to, with every adapter on
    the device."""
    limits, device = config.engine.limits, config.device
    tokens = min(limits.max_tokens, limits.max_rows * text_tokens)
    forward_s = device.forward_s(tokens, num_adapters) * device.slowdown(device.num_forwards)
    return device.num_forwards * tokens / forward_s


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
        window=args.window,
        seed=args.seed,
    )


def _simulation_config(args: argparse.Namespace) -> SimulationConfig:
    limits = BatchLimits(
        max_rows=args.max_rows,
        max_tokens=args.max_tokens,
        max_adapters=args.max_adapters,
        max_cold_adapters=args.max_adapters,  # the thrash guard finds how many are too many
    )
    if args.warm_s >= args.seconds:
        raise ValueError(f"--warm-s {args.warm_s} leaves nothing of --seconds {args.seconds}")
    if args.disk_mb_s <= 0 or args.link_gb_s <= 0:
        raise ValueError("--disk-mb-s and --link-gb-s must be positive")
    return SimulationConfig(
        engine=EngineConfig(limits=limits, max_requests=args.max_queue, max_passed_over=args.max_passed_over),
        device=DeviceConfig(
            num_slots=args.slots,
            num_host_adapters=args.host_adapters,
            num_loaders=args.loaders,
            adapter_bytes=int(1000 * args.adapter_kb),
            load_core_s=args.load_core_ms / 1e3,
            load_s=args.disk_ms / 1e3 + args.adapter_kb / 1e3 / args.disk_mb_s,
            promote_s=args.copy_ms / 1e3 + args.adapter_kb / 1e6 / args.link_gb_s,
            step_s=args.step_ms / 1e3,
            token_s=args.token_us / 1e6,
            adapter_s=args.adapter_us / 1e6,
            prepare_s=args.prepare_ms / 1e3,
            lookup_s=args.lookup_us / 1e6,
            num_forwards=args.forwards,
            beside=args.beside,
        ),
        deadline_s=args.deadline_s,
        weights=args.weights,
        churn_per_minute=args.churn,
        warm_s=args.warm_s,
    )


def _figures(
    config: SimulationConfig, load: WorkloadConfig, result: SimulationResult
) -> dict[str, float | None]:
    outcomes = [outcome for outcome in result.outcomes if outcome.arrived_s >= config.warm_s]
    of_batches = _batch_figures(result)
    fates = {fate: sum(outcome.fate is fate for outcome in outcomes) for fate in Fate}
    others = [outcome for outcome in outcomes if outcome.tenant != load.noisy_tenant]
    num_tenants = load.num_tenants + 1
    demands = tokens_by_tenant(outcomes, num_tenants, answered=False)
    served = tokens_by_tenant(outcomes, num_tenants, answered=True)
    shares = fair_shares(demands, float(served.sum()), np.resize(np.array(config.weights), num_tenants))
    in_time = [outcome for outcome in result.outcomes if config.warm_s <= outcome.ended_s < load.seconds]
    num_answered = sum(outcome.fate is Fate.ANSWERED for outcome in in_time)
    answered_tokens = float(tokens_by_tenant(in_time, num_tenants, answered=True).sum())
    load_s = load.seconds - config.warm_s
    capacity = capacity_tokens_per_s(
        config,
        text_tokens=float(demands.sum()) / len(outcomes) / load.num_texts if outcomes else 1.0,
        num_adapters=of_batches["adapters_per_batch"],
    )
    forwards_s = config.device.num_forwards * max(result.ended_s - config.warm_s, 1e-9)
    wait_p50_ms, wait_p99_ms = wait_percentiles_ms(outcomes)
    figures: dict[str, float | None] = {
        "requests": len(outcomes),
        **{fate.value: number for fate, number in fates.items()},
        "tenants_that_asked": int((demands > 0).sum()),
        "offered_over_capacity": float(demands.sum()) / load_s / capacity,
        "answered_over_capacity": answered_tokens / load_s / capacity,
        "answered_tokens_per_s": answered_tokens / load_s,
        "answered_texts_per_s": num_answered * load.num_texts / load_s,
        **asdict(Percentiles.of(outcomes)),
        "others_p99_ms": Percentiles.of(others).p99_ms if load.noisy_tenant is not None else None,
        "wait_p50_ms": wait_p50_ms,
        "wait_p99_ms": wait_p99_ms,
        "jain": jain(served, shares),
        "least_served": least_served(served, shares),
        "busy_share": result.busy_s / forwards_s,
        "stall_share": result.stalled_s / forwards_s,
        **of_batches,
        "loads_from_disk": result.num_loads,
        "promotions": result.num_promotions,
        "found_on_device": 1 - result.num_promotions / max(result.num_placed, 1),
    }
    return {name: value if value is None else round(value, 4) for name, value in figures.items()}


def _batch_figures(result: SimulationResult) -> dict[str, float]:
    batches, num_batches = result.batches, max(len(result.batches), 1)
    return {
        "batches": len(batches),
        "rows_per_batch": sum(batch.num_rows for batch in batches) / num_batches,
        "tokens_per_batch": sum(batch.num_tokens for batch in batches) / num_batches,
        "adapters_per_batch": sum(len(batch.adapters) for batch in batches) / num_batches,
    }


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _given(args: argparse.Namespace) -> Mapping[str, object]:
    return {name: value for name, value in vars(args).items() if isinstance(value, (int, float, str, list))}
