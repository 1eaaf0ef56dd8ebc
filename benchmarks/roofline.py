"""How much of a step, and of a request over HTTP, is not the matrix multiplications of the upper layers?"""

import argparse
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import default_dtype, device, print_result, say
from benchmarks.http_load import HttpFigures, closed_loop, request_bytes, serving
from benchmarks.http_world import sent_texts, served
from benchmarks.serving_load import ClosedLoop, chooser, zipf
from benchmarks.serving_oracle import Checker
from benchmarks.serving_world import World, add_depth, scratch
from hmi.base.own_thread import use_cores
from hmi.model.adapters.call import AdapterModule, module_shape
from hmi.model.bert import QKV
from hmi.model.packed_linear import laid_out, linear
from hmi.service.settings import ServiceSettings
from wire.artifacts import BackboneFields

TENANTS, SLOTS, HOST = 64, 128, 256
STEP_ROWS = 64
OPEN_REQUESTS = 256
CHECKED = 20
CONNECTIONS = 64
TRIED = 20  # calls of a product, to tell which way is quicker


def main() -> int:
    args = _parser().parse_args()
    if args.full:
        args.seconds, args.rounds = 20.0, 5
    began = time.monotonic()
    types = list(dict.fromkeys([default_dtype(), torch.float32]))
    with scratch("roofline") as folder, tempfile.TemporaryDirectory() as told:
        world = World(Path(folder), TENANTS, num_lower=args.num_lower)
        checker = Checker(world)
        steps = {name(dtype): _step_over_gemm(world, dtype, args, checker) for dtype in types}
        http = _http(world, Path(told), args.seconds, args.rounds)
    best = steps[name(types[0])]
    print_result(
        {
            "step_over_gemm": best["step_over_gemm"],
            "step_over_gemm_float32": steps["float32"]["step_over_gemm"],
            "engine_share_http": http["share"],
            "compute_type": name(types[0]),
            "steps": steps,
            "http": http,
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _step_over_gemm(
    world: World, dtype: torch.dtype, args: argparse.Namespace, checker: Checker
) -> dict[str, Any]:
    """The engine as it serves, with more requests open than it can take at once; and the bare matrix
    multiplications of as many tokens on as many threads."""
    settings = ServiceSettings(**world.settings(num_slots=SLOTS, num_host=HOST))
    plane = world.plane(num_slots=SLOTS, num_host=HOST, compute_type=name(dtype), max_batch_rows=STEP_ROWS)
    plane.start()
    loop = ClosedLoop(world, plane, chooser(world.tenants, zipf(TENANTS, 1.0), seed=1), OPEN_REQUESTS)
    loop.run(args.seconds)  # everything on the device
    served, bare, tokens, adapters = [], [], [], []
    for _ in range(args.rounds):
        world.batches.clear()
        texts_per_s = loop.run(args.seconds)
        num_tokens = [batch.num_tokens for batch in world.batches]
        served.append(texts_per_s * sum(num_tokens) / sum(batch.num_rows for batch in world.batches))
        tokens.append(int(statistics.median(num_tokens)))
        adapters.append(statistics.mean(len(batch.adapters) for batch in world.batches))
        with ThreadPoolExecutor(
            settings.num_forwards, initializer=use_cores, initargs=(settings.forward_threads,)
        ) as threads:
            work = partial(_gemm_tokens_per_s, world.backbone.fields, dtype, tokens[-1])
            bare.append(sum(threads.map(work, [args.seconds / 2] * settings.num_forwards)))
        say(f"{name(dtype)}: {served[-1]:.0f} tokens/s, bare products {bare[-1]:.0f}")
    plane.close()
    checker.check(loop.answers, sample=CHECKED, seed=1, dtype=dtype)
    return {
        "step_over_gemm": round(statistics.median(b / s for b, s in zip(bare, served, strict=True)), 2),
        "tokens_per_s": round(statistics.median(served)),
        "gemm_tokens_per_s": round(statistics.median(bare)),
        "tokens": round(statistics.median(tokens)),
        "adapters": round(statistics.mean(adapters), 1),
        "forwards": settings.num_forwards,
        "failed": loop.num_failed,
    }


def _gemm_tokens_per_s(fields: BackboneFields, dtype: torch.dtype, num_tokens: int, seconds: float) -> float:
    """Through the upper layers' linear maps at so many tokens a time, without bias, adapters or attention."""
    shapes = [(fields.hidden, len(QKV) * fields.hidden)]
    shapes += [module_shape(fields, module) for module in AdapterModule if module not in QKV]
    products = [_quickest_product(*shape, num_tokens, dtype) for shape in shapes]
    num_layers = fields.num_layers - fields.num_lower
    num_steps, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        for product in products * num_layers:
            product()
        _wait_for_device()
        num_steps += 1
    return num_steps * num_tokens / elapsed


def _quickest_product(inputs: int, outputs: int, num_tokens: int, dtype: torch.dtype) -> Callable[[], Tensor]:
    """One bare matrix multiplication, by whichever of torch's two ways is quicker here."""
    given, weight = (torch.randn(rows, inputs, device=device()).to(dtype) for rows in (num_tokens, outputs))
    made = given.new_empty(num_tokens, outputs)
    ways = [partial(torch.mm, given, weight.T, out=made), partial(linear, given, laid_out(weight), None)]
    for way in ways:
        way()  # shapes that are new to the library are prepared
    return min(ways, key=_least_s)


def _least_s(work: Callable[[], Tensor]) -> float:
    def done() -> None:
        work()
        _wait_for_device()

    return min(timeit.repeat(done, number=1, repeat=TRIED))


def _wait_for_device() -> None:
    if device().type == "cuda":
        torch.cuda.synchronize()


def _http(world: World, told: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """The same texts through the engine alone and over HTTP, with as many open at a time."""
    tenants = world.tenants
    told_of = served(world, world.settings(num_slots=SLOTS, num_host=HOST))
    chance = np.random.default_rng(3)
    drawn = chance.choice(len(tenants), size=4096, p=zipf(len(tenants), 1.0))
    texts = sent_texts(world)
    requests = [request_bytes(int(tenant), [texts[n % len(texts)]]) for n, tenant in enumerate(drawn)]
    direct, over_http, runs = [], [], []
    plane = world.plane(num_slots=SLOTS, num_host=HOST)
    plane.start()
    loop = ClosedLoop(world, plane, chooser(tenants, zipf(len(tenants), 1.0), seed=3), CONNECTIONS)
    with serving(told_of, told) as port:
        closed_loop(port, requests, connections=CONNECTIONS, seconds=seconds / 2)
        loop.run(seconds / 2)
        for _ in range(rounds):
            direct.append(loop.run(seconds))
            runs.append(closed_loop(port, requests, connections=CONNECTIONS, seconds=seconds))
            over_http.append(runs[-1].requests_per_s)
            say(f"engine {direct[-1]:.0f} texts/s, over HTTP {over_http[-1]:.0f}")
    plane.close()
    return _http_figures(direct, over_http, runs)


def _http_figures(direct: list[float], over_http: list[float], runs: list[HttpFigures]) -> dict[str, Any]:
    return {
        "share": round(statistics.median(h / d for h, d in zip(over_http, direct, strict=True)), 3),
        "engine_texts_per_s": round(statistics.median(direct), 1),
        "http_texts_per_s": round(statistics.median(over_http), 1),
        "connections": CONNECTIONS,
        "failed": sum(run.num_failed for run in runs),
        "first_failure": next((run.first_failure for run in runs if run.first_failure), ""),
        "generator_share_of_a_core": round(statistics.median(run.generator_share for run in runs), 2),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of one run")
    parser.add_argument("--rounds", type=int, default=3, help="of each comparison")
    add_depth(parser)
    parser.add_argument("--full", action="store_true", help="longer runs")
    return parser


if __name__ == "__main__":
    sys.exit(main())
