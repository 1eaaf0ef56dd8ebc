"""What does a first request pay whose adapter, head and private leaf are on disk alone?"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.common import print_result, say
from benchmarks.serving_oracle import Answered, Checker
from benchmarks.serving_world import DISK_BYTES_PER_S, DISK_LATENCY_S, ONE_IN_LEAF, Tenant, World, scratch
from hmi.kinds.single_label import softmax
from hmi.service.live_plane import LivePlane

SLOTS, HOST = 64, 256
NUM_COLD = 60


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    began = time.monotonic()
    with scratch("coldstart") as folder:
        world = World(Path(folder), NUM_COLD * ONE_IN_LEAF)
        plane = world.plane(num_slots=SLOTS, num_host=HOST)
        plane.start()
        leafless = [tenant for tenant in world.tenants if not tenant.has_leaf]
        for tenant in leafless[:40]:  # all shared nodes are on the device, as they are in a running service
            _ask(world, plane, tenant, 0)
        cold_ms, warm_ms, answers = [], [], []
        for number, tenant in enumerate(tenant for tenant in world.tenants if tenant.has_leaf):
            text = number % len(world.texts)
            first, answer = _ask(world, plane, tenant, text)
            again = sorted(_ask(world, plane, tenant, text)[0] for _ in range(5))[2]
            cold_ms.append(first)
            warm_ms.append(again)
            answers.append(answer)
        plane.close()
        checker = Checker(world)
        checker.check(answers, sample=len(answers), seed=1)
    added = np.array(cold_ms) - np.array(warm_ms)
    loader_ms = 1000 * (DISK_LATENCY_S + world.packed_bytes() / DISK_BYTES_PER_S)
    step_ms = float(np.median(warm_ms))
    say(f"a warm request takes {step_ms:.1f} ms, a cold one {np.median(cold_ms):.1f} ms")
    print_result(
        {
            "added_p50_ms": round(float(np.percentile(added, 50)), 1),
            "added_p99_ms": round(float(np.percentile(added, 99)), 1),
            "limit_ms": round(loader_ms + step_ms + 20, 1),
            "loader_ms": round(loader_ms, 1),
            "warm_p50_ms": round(step_ms, 1),
            "num_cold": len(cold_ms),
            **checker.result(),
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


def _ask(world: World, plane: LivePlane, tenant: Tenant, text: int) -> tuple[float, Answered]:
    """Milliseconds until the answer, and the answer."""
    request = world.request(tenant, text)
    begin = time.monotonic()
    plane.engine.submit(request)
    answer = request.future.result()
    took_ms = 1000 * (time.monotonic() - begin)
    return took_ms, Answered(tenant, text, softmax(answer.documents[0].outputs)[0])


if __name__ == "__main__":
    sys.exit(main())
