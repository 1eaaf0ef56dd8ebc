"""How far off is what the simulator predicts, once it knows what a forward costs here?

The real engine with few tenants says what a step, a token, an adapter and a copy cost; the simulator then
predicts many tenants, most of them on disk, and the real engine is asked as well.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import print_result, say
from benchmarks.serving_load import ClosedLoop, chooser, shares_of_power, zipf
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import (
    DEADLINE_S,
    DISK_BYTES_PER_S,
    DISK_LATENCY_S,
    SlowDisk,
    World,
    scratch,
    slow_sources,
)
from hmi.engine.batch import BatchRecord
from hmi.engine.batch_limits import BatchLimits
from hmi.engine.config import EngineConfig
from hmi.engine.device_plan import BATCHES_OF_ADAPTERS
from hmi.engine.simulation.device import DeviceConfig
from hmi.engine.simulation.figures import Fate
from hmi.engine.simulation.simulator import SimulationConfig, simulate
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload
from hmi.memory.loader import NUM_ADAPTER_LOADERS
from hmi.service.settings import ServiceSettings
from hmi.service.sources import Sources

SLOTS, HOST = 128, 300
FEW = 24
"""Tenants of the calibration, all on the device."""
WINDOWS = (1, 4, 12, 96)
"""Requests open while it runs: small batches, and full ones."""
WINDOW = 384
LOAD_CORE_S = 0.0007
"""Of a load, the work of a thread: measured once, by what the loaders' threads took of the processor."""
COPIED = 3
"""Tenants over slots of the run that says what a copy costs; the host tier holds all."""
SIMULATED_S, SIMULATED_WARM_S = 20.0, 10.0
PREPARE_S = np.arange(0.0, 0.0121, 0.0005)
"""Tried, for what makes the simulated calibration as fast as the real one."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Load:
    """A closed loop on the first ``num_tenants``."""

    num_tenants: int
    popularity: Popularity
    exponent: float
    window: int = WINDOW

    @property
    def shares(self) -> Floats:
        """Of each tenant."""  # [num_tenants]
        of = zipf if self.popularity is Popularity.ZIPF else shares_of_power
        return of(self.num_tenants, self.exponent)


@dataclass(frozen=True, slots=True)
class Run:
    """What a load came to, on the real engine or on the simulated one."""

    texts_per_s: float
    found_on_device: float  # of the adapters of all batches
    loads_per_text: float
    stall_share: float  # of the threads that compute, the time in which they did not


class RealEngine:
    """A plane, the loads on it, and what its batches took."""

    def __init__(self, world: World, *, num_host: int, **settings: Any) -> None:
        self._world = world
        self._disks: list[SlowDisk[Any]] = []
        of_slots = world.settings(num_slots=SLOTS, num_host=num_host, **settings)
        self._width = ServiceSettings(**of_slots).num_forwards
        self._plane = world.plane(num_slots=SLOTS, num_host=num_host, make_sources=self._sources, **settings)
        self._plane.start()
        self._loops: dict[Load, ClosedLoop] = {}

    @property
    def loops(self) -> Sequence[ClosedLoop]:
        return tuple(self._loops.values())

    def run(self, load: Load, seconds: float) -> tuple[Run, list[BatchRecord]]:
        """Also all batches of the run."""
        if load not in self._loops:
            tenants = self._world.tenants[: load.num_tenants]
            self._loops[load] = ClosedLoop(
                self._world, self._plane, chooser(tenants, load.shares, seed=7), load.window
            )
        self._world.batches.clear()
        evictions, loads, begin = self._plane.placement.num_evictions, self._num_loads, time.monotonic()
        texts_per_s = self._loops[load].run(seconds)
        elapsed_s, batches = time.monotonic() - begin, list(self._world.batches)
        placed = sum(len(batch.adapters) for batch in batches)
        computing_s = sum(batch.compute_ms for batch in batches) / 1000
        run = Run(
            texts_per_s,
            found_on_device=1 - (self._plane.placement.num_evictions - evictions) / placed,
            loads_per_text=(self._num_loads - loads) / sum(batch.num_rows for batch in batches),
            stall_share=1 - computing_s / self._width / elapsed_s,
        )
        return run, batches

    def close(self) -> None:
        self._plane.close()

    @property
    def _num_loads(self) -> int:
        return sum(disk.num_reads for disk in self._disks)

    def _sources(self, *args: Any) -> Sources:
        sources = slow_sources(*args)
        assert isinstance(sources.adapters, SlowDisk)
        self._disks.append(sources.adapters)
        return sources


@dataclass(frozen=True, slots=True)
class Sample:
    """Medians of the batches of one run."""

    tokens: float
    adapters: float
    retrieve_s: float
    compute_s: float

    @classmethod
    def of(cls, batches: Sequence[BatchRecord]) -> "Sample":
        return cls(
            statistics.median(batch.num_tokens for batch in batches),
            statistics.median(len(batch.adapters) for batch in batches),
            statistics.median(batch.retrieve_ms for batch in batches) / 1000,
            statistics.median(batch.compute_ms for batch in batches) / 1000,
        )


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.rounds, args.seconds, args.calibration_s = 5, 10.0, 2.0
    began = time.monotonic()
    with scratch("simulator") as folder:
        world = World(Path(folder), args.tenants)
        world.fill_disk_tier()
        alone = RealEngine(world, num_host=args.tenants, threads=1, forwards=1)
        beside = RealEngine(world, num_host=args.tenants)
        few = [Load(count, Popularity.POWER, 1.0, window) for count in (1, FEW) for window in WINDOWS]
        copied = Load(min(COPIED * SLOTS, args.tenants), Popularity.POWER, 1.0)
        predicted = {
            "zipf_1": Load(args.tenants, Popularity.ZIPF, 1.0),
            "alpha_03": Load(args.tenants, Popularity.POWER, 0.3),
        }
        many = {name: RealEngine(world, num_host=args.host) for name in predicted}
        for load in (few[-1], *few):
            for engine in (alone, beside):
                engine.run(load, 1.0)
        beside.run(copied, args.warm_s / 2)
        for name, load in predicted.items():
            many[name].run(load, args.warm_s)
        calibrations: list[DeviceConfig] = []
        rounds: list[dict[str, Any]] = []
        for number in range(args.rounds):
            device, speed = _calibrate(world, alone, beside, few, copied, args)
            calibrations.append(device)
            say(f"round {number + 1}: {device}")
            told: dict[str, Any] = {"calibration_texts_per_s": round(speed, 1)}
            for name, load in predicted.items():
                real, _ = many[name].run(load, args.seconds)
                simulated = _simulated(world, device, load, args.host)
                told[name] = {"real": _rounded(real), "simulated": _rounded(simulated)}
                say(f"  {name}: {told[name]}")
            rounds.append(told)
        engines = (alone, beside, *many.values())
        for engine in engines:
            engine.close()
        checker = Checker(world)
        loops = [loop for engine in engines for loop in engine.loops]
        for number, loop in enumerate(loops):
            checker.check(loop.answers, sample=args.sample, seed=number)
    print_result(
        {
            **{f"simulated_over_real_{name}": _ratio(rounds, name) for name in predicted},
            **{f"found_on_device_{name}": _pair(rounds, name, "found_on_device") for name in predicted},
            **{f"loads_per_text_{name}": _pair(rounds, name, "loads_per_text") for name in predicted},
            **{f"stall_share_{name}": _pair(rounds, name, "stall_share") for name in predicted},
            "device": _median_device(calibrations),
            "rounds": rounds,
            "tenants": args.tenants,
            "slots": SLOTS,
            "host_adapters": args.host,
            "failed": sum(loop.num_failed for loop in loops),
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _calibrate(
    world: World,
    alone: RealEngine,
    beside: RealEngine,
    few: Sequence[Load],
    copied: Load,
    args: argparse.Namespace,
) -> tuple[DeviceConfig, float]:
    """What everything costs here, and how many texts a second full batches of the few come to."""
    by_itself, together, speeds = [], [], []
    for load in few:
        by_itself.append(Sample.of(alone.run(load, args.calibration_s)[1]))
        run, batches = beside.run(load, args.calibration_s)
        together.append(Sample.of(batches))
        speeds.append(run.texts_per_s)
    step_s, token_s, adapter_s = _fit(
        [(1.0, sample.tokens, sample.adapters) for sample in by_itself],
        [sample.compute_s for sample in by_itself],
    )
    prepare_s, lookup_s = _fit(
        [(1.0, sample.tokens) for sample in together], [sample.retrieve_s for sample in together]
    )
    full = [number for number, load in enumerate(few) if load.window == max(WINDOWS)]
    slowdown = statistics.median(
        together[n].compute_s / (step_s + token_s * together[n].tokens + adapter_s * together[n].adapters)
        for n in full
    )
    run, batches = beside.run(copied, args.calibration_s)
    num_copies = (1 - run.found_on_device) * sum(len(batch.adapters) for batch in batches)
    device = DeviceConfig(
        num_slots=SLOTS,
        num_host_adapters=args.tenants,
        num_loaders=NUM_ADAPTER_LOADERS,
        adapter_bytes=world.packed_bytes(),
        load_core_s=LOAD_CORE_S,
        load_s=DISK_LATENCY_S + world.packed_bytes() / DISK_BYTES_PER_S,
        promote_s=sum(batch.placing_ms for batch in batches) / 1000 / num_copies,
        step_s=step_s,
        token_s=max(token_s, 1e-9),
        adapter_s=adapter_s,
        prepare_s=prepare_s,
        lookup_s=lookup_s,
        num_forwards=2,
        beside=max(0.0, slowdown - 1),
    )
    # What else a batch takes of the engine's thread (choosing, ending requests) shows in nothing but speed.
    last = full[-1]

    def is_off(more_s: float) -> float:
        tried = replace(device, prepare_s=prepare_s + more_s)
        return float(abs(_simulated(world, tried, few[last], args.tenants).texts_per_s - speeds[last]))

    return replace(device, prepare_s=prepare_s + min(PREPARE_S, key=is_off)), speeds[last]


def _fit(columns: Sequence[Sequence[float]], values: Sequence[float]) -> Floats:
    """Least squares of the relative error; what would be negative is nothing."""  # [num_columns]
    weights = 1 / np.array(values)
    left = np.array(columns) * weights[:, None]
    kept = np.ones(left.shape[1], np.bool_)
    while True:
        found = np.zeros(left.shape[1])
        found[kept] = np.linalg.lstsq(left[:, kept], np.ones(len(left)), rcond=None)[0]
        if (found >= 0).all():
            return found
        kept &= found > 0


def _simulated(world: World, device: DeviceConfig, load: Load, num_host: int) -> Run:
    of_slots = ServiceSettings(**world.settings(num_slots=SLOTS, num_host=num_host))
    config = SimulationConfig(
        engine=EngineConfig(
            limits=BatchLimits(
                max_rows=of_slots.max_batch_rows,
                max_tokens=of_slots.max_batch_tokens,
                max_adapters=SLOTS // BATCHES_OF_ADAPTERS,
                max_cold_adapters=SLOTS // BATCHES_OF_ADAPTERS,
            ),
            max_requests=of_slots.max_queue_requests,
        ),
        device=replace(device, num_host_adapters=num_host),
        deadline_s=DEADLINE_S,
        warm_s=SIMULATED_WARM_S if load.num_tenants > SLOTS else 1.0,
    )
    seconds = SIMULATED_S if load.num_tenants > SLOTS else 3.0
    result = simulate(
        config,
        make_workload(
            WorkloadConfig(
                num_tenants=load.num_tenants,
                popularity=load.popularity,
                exponent=load.exponent,
                rate=1.0,
                seconds=seconds,
                max_text_tokens=64,
                window=load.window,
            )
        ),
    )
    counted_s = seconds - config.warm_s
    answered = sum(
        outcome.fate is Fate.ANSWERED and config.warm_s <= outcome.ended_s < seconds
        for outcome in result.outcomes
    )
    return Run(
        float(answered / counted_s),
        found_on_device=1 - result.num_promotions / result.num_placed,
        loads_per_text=result.num_loads / sum(batch.num_rows for batch in result.batches),
        stall_share=1 - float(result.busy_s) / device.num_forwards / (result.ended_s - config.warm_s),
    )


def _rounded(run: Run) -> dict[str, float]:
    return {name: round(value, 3) for name, value in asdict(run).items()}


def _ratio(rounds: Sequence[dict[str, Any]], name: str) -> float:
    ratios = [told[name]["simulated"]["texts_per_s"] / told[name]["real"]["texts_per_s"] for told in rounds]
    return round(float(statistics.median(ratios)), 3)


def _pair(rounds: Sequence[dict[str, Any]], name: str, figure: str) -> dict[str, float]:
    return {
        which: round(statistics.median(told[name][which][figure] for told in rounds), 3)
        for which in ("real", "simulated")
    }


def _median_device(devices: Sequence[DeviceConfig]) -> dict[str, float]:
    """In the units of the simulator's options."""

    def middle(name: str) -> float:
        return float(statistics.median(getattr(device, name) for device in devices))

    return {
        "step_ms": round(1e3 * middle("step_s"), 2),
        "token_us": round(1e6 * middle("token_s"), 2),
        "adapter_us": round(1e6 * middle("adapter_s"), 1),
        "beside": round(middle("beside"), 3),
        "prepare_ms": round(1e3 * middle("prepare_s"), 2),
        "lookup_us": round(1e6 * middle("lookup_s"), 2),
        "copy_ms": round(1e3 * middle("promote_s"), 3),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tenants", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a run that is predicted")
    parser.add_argument("--warm-s", type=float, default=10.0, help="before the first round, each")
    parser.add_argument("--calibration-s", type=float, default=0.8, help="of each of its 17 runs")
    parser.add_argument("--sample", type=int, default=5, help="answers of each load that are checked")
    parser.add_argument("--host", type=int, default=HOST, help="adapters that the host tier holds")
    parser.add_argument("--full", action="store_true", help="five rounds, of longer runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
