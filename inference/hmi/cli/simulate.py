"""`simulate`: what the scheduler would do with a load and a device that are not there."""

import argparse
import math
import os

from hmi.cli.main import EXIT_OK
from hmi.engine.batch_limits import DEFAULT_ADAPTERS, DEFAULT_ROWS, DEFAULT_TOKENS
from hmi.engine.config import (
    DEFAULT_DEADLINE_S,
    DEFAULT_PASSED_OVER,
    DEFAULT_REQUESTS,
    forwards_at_a_time,
)
from hmi.engine.simulation.lengths import Lengths
from hmi.memory.loader import NUM_ADAPTER_LOADERS

# As `./hmi bench simulator` measured it on a quiet machine: one layer of six looked up, bfloat16.
STEP_MS, TOKEN_US, ADAPTER_US = 5.2, 41.0, 90.0
BESIDE = 0.16
PREPARE_MS, LOOKUP_US, COPY_MS = 0.7, 2.3, 0.4
LOAD_CORE_MS = 0.35
ADAPTER_KB = 220.0  # of the default recipe, rank 8, as it is read and copied


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "simulate",
        help="drive the scheduler with synthetic requests in simulated time; needs no model",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_load(parser.add_argument_group("load"))
    _add_device(parser.add_argument_group("device"))
    _add_scheduler(parser.add_argument_group("scheduler"))


def _add_load(load: "argparse._ArgumentGroup") -> None:
    load.add_argument("--tenants", type=int, default=10_000, help="each with one adapter")
    unequal = load.add_mutually_exclusive_group()
    unequal.add_argument(
        "--alpha", type=finite, default=0.3, help="power popularity: int(power(alpha) * tenants)"
    )
    unequal.add_argument("--zipf", type=finite, help="Zipf popularity with this exponent instead")
    how_much = load.add_mutually_exclusive_group()
    how_much.add_argument("--rate", type=finite, default=200.0, help="requests a second, together")
    how_much.add_argument("--window", type=int, help="requests kept open instead: as many as can be answered")
    load.add_argument(
        "--cv", type=finite, default=1.0, help="of the times between requests (gamma); 1: Poisson"
    )
    load.add_argument(
        "--seconds", type=finite, default=60.0, help="of arrivals; what waits then is still answered"
    )
    load.add_argument("--warm-s", type=finite, default=0.0, help="of those, how many count in no figure")
    load.add_argument(
        "--lengths",
        choices=[kind.value for kind in Lengths],
        default=Lengths.NORMAL.value,
        help="tokens of a text: N(32, 8), or lognormal with p50 40 and p99 128",
    )
    load.add_argument("--texts", type=int, default=1, help="in a request")
    load.add_argument(
        "--noisy-rate", type=finite, default=0.0, help="further requests a second of one tenant"
    )
    load.add_argument("--noisy-from", type=finite, default=0.0, help="second at which that tenant begins")
    load.add_argument(
        "--off-domain", type=finite, default=0.0, help="share of requests that take the exact path"
    )
    load.add_argument("--churn", type=finite, default=0.0, help="share of the adapters replaced in a minute")
    load.add_argument("--weights", type=finite, nargs="+", default=[1.0], help="of the tenants, in turn")
    load.add_argument("--deadline-s", type=finite, default=DEFAULT_DEADLINE_S)
    load.add_argument("--seed", type=int, default=1)


def _add_device(device: "argparse._ArgumentGroup") -> None:
    device.add_argument("--slots", type=int, default=256, help="adapters on the device")
    device.add_argument("--host-adapters", type=int, default=2000, help="adapters in the host tier")
    device.add_argument("--adapter-kb", type=finite, default=ADAPTER_KB, help="size of one, in kB")
    device.add_argument(
        "--loaders", type=int, default=NUM_ADAPTER_LOADERS, help="loads from disk at the same time"
    )
    device.add_argument("--disk-ms", type=finite, default=20.0, help="latency of a load")
    device.add_argument(
        "--load-core-ms", type=finite, default=LOAD_CORE_MS, help="of that, work of a thread beside forwards"
    )
    device.add_argument(
        "--disk-mb-s", type=finite, default=500.0, help="bandwidth of the disk, for each load"
    )
    device.add_argument("--copy-ms", type=finite, default=COPY_MS, help="of a promotion, besides its bytes")
    device.add_argument("--link-gb-s", type=finite, default=8.0, help="bandwidth from host to device")
    device.add_argument(
        "--forwards",
        type=int,
        default=forwards_at_a_time("cpu", os.cpu_count() or 1),
        help="computed at a time",
    )
    device.add_argument("--step-ms", type=finite, default=STEP_MS, help="of a forward, however small, alone")
    device.add_argument("--token-us", type=finite, default=TOKEN_US, help="of each token in it")
    device.add_argument("--adapter-us", type=finite, default=ADAPTER_US, help="of each adapter in it")
    device.add_argument(
        "--beside",
        type=finite,
        default=BESIDE,
        help="share by which a forward takes longer for each other one that runs beside it",
    )
    device.add_argument(
        "--prepare-ms",
        type=finite,
        default=PREPARE_MS,
        help="of choosing and placing a batch, beside forwards",
    )
    device.add_argument(
        "--lookup-us", type=finite, default=LOOKUP_US, help="of looking a token up, beside forwards"
    )


def _add_scheduler(scheduler: "argparse._ArgumentGroup") -> None:
    scheduler.add_argument("--max-rows", type=int, default=DEFAULT_ROWS, help="texts in a batch")
    scheduler.add_argument("--max-tokens", type=int, default=DEFAULT_TOKENS, help="tokens in a batch")
    scheduler.add_argument(
        "--max-adapters", type=int, default=DEFAULT_ADAPTERS, help="distinct adapters in a batch"
    )
    scheduler.add_argument(
        "--max-queue", type=int, default=DEFAULT_REQUESTS, help="requests that wait at most"
    )
    scheduler.add_argument(
        "--max-passed-over",
        type=int,
        default=DEFAULT_PASSED_OVER,
        help="batches that may leave a cold adapter behind",
    )


def finite(text: str) -> float:
    """A number of the command line; with one that is none, or has no end, time would stand still."""
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number")
    return number


def run(args: argparse.Namespace) -> int:
    """Simulate, print a table and, as the last line, one JSON object."""
    from hmi.cli.simulation_report import show_simulation  # numpy, which help does without

    show_simulation(args)
    return EXIT_OK
