"""Does anybody notice when adapters are replaced under load?"""

import statistics
import sys
import threading
import time
from typing import Any

import numpy as np

from benchmarks.common import print_result, say
from benchmarks.open_loop import OpenLoop, capacity_texts_per_s, fates, rounds_parser, run_rounds
from benchmarks.serving_world import Tenant, World
from hmi.engine.request import HplmRef
from hmi.engine.simulation.figures import Fate, Percentiles
from hmi.engine.simulation.workload import Popularity, WorkloadConfig, make_workload
from hmi.service.live_plane import LivePlane

NUM_TENANTS = 120
SHARE_A_MINUTE = 0.10
LOAD = 0.6
DEADLINE_S = 10.0
NEW_ADAPTERS = 10**5
"""Numbers of adapters that replace others begin here."""


def main() -> int:
    args = rounds_parser(__doc__, seconds_of="of each of the two runs of a round").parse_args()
    began = time.monotonic()
    rounds, checked = run_rounds(args, NUM_TENANTS, _round)
    print_result(
        {
            "failed": sum(figures["failed"] for figures in rounds),
            "failed_without": sum(figures["failed_without"] for figures in rounds),
            "p99_ratio": round(statistics.median(figures["p99_ratio"] for figures in rounds), 3),
            "p50_ratio": round(statistics.median(figures["p50_ratio"] for figures in rounds), 3),
            "replaced": sum(figures["replaced"] for figures in rounds),
            "answered_by_new": sum(figures["answered_by_new"] for figures in rounds),
            "rounds": rounds,
            "tenants": NUM_TENANTS,
            **checked,
            "seconds": round(time.monotonic() - began),
        }
    )
    return 0


class Churn:
    """Gives one tenant after the other a new adapter, evenly over ``seconds``, in a thread of its own.

    The new bundles stand in the store before. Which tenants are replaced is drawn without regard to how often
    they ask, so that some are replaced while requests of theirs wait.
    """

    def __init__(self, world: World, tenants: list[Tenant], *, number: int, seconds: float) -> None:
        """``tenants`` is changed in place; whoever sends reads it for every request."""
        count = max(1, round(SHARE_A_MINUTE * len(tenants) * seconds / 60))
        self._tenants = tenants
        self._times_s = (np.arange(count) + 0.5) * seconds / count
        chosen = np.random.default_rng(number).permutation(len(tenants))[:count].tolist()
        self._changes = [
            (place, _replaced(world, tenants[place], NEW_ADAPTERS + 1000 * number + n))
            for n, place in enumerate(chosen)
        ]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.new = {changed.hplm.adapter for _, changed in self._changes}
        self.num_replaced = 0

    def __enter__(self) -> "Churn":
        self._begin = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        for at, (place, changed) in zip(self._times_s, self._changes, strict=True):
            if self._ended.wait(max(0.0, self._begin + float(at) - time.monotonic())):
                return
            self._tenants[place] = changed
            self.num_replaced += 1


def _replaced(world: World, tenant: Tenant, number: int) -> Tenant:
    adapter = world.publish_adapter(number, tenant.hplm.tree)
    return Tenant(tenant.tenant_id, HplmRef(adapter, tenant.hplm.tree, tenant.hplm.leaf), tenant.has_leaf)


def _round(world: World, plane: LivePlane, number: int, seconds: float) -> dict[str, Any]:
    """The same requests with and without replacing; which of the two is first changes from round to round."""
    capacity = capacity_texts_per_s(world, plane, world.tenants, seconds / 3)
    load = WorkloadConfig(
        num_tenants=NUM_TENANTS,
        popularity=Popularity.ZIPF,
        exponent=0.8,
        rate=LOAD * capacity,
        seconds=seconds,
        seed=number + 1,
    )
    tenants = list(world.tenants)
    churn = Churn(world, tenants, number=number, seconds=seconds)
    steady = OpenLoop(world, plane, world.tenants, deadline_s=DEADLINE_S)
    churned = OpenLoop(world, plane, tenants, deadline_s=DEADLINE_S)
    if number % 2:
        steady.run(make_workload(load))
    with churn:
        churned.run(make_workload(load))
    if not number % 2:
        steady.run(make_workload(load))
    before, after = Percentiles.of(steady.outcomes), Percentiles.of(churned.outcomes)
    by_new = [answer for answer in churned.answers if answer.tenant.hplm.adapter in churn.new]
    figures = {
        "failed": _num_failed(churned),
        "failed_without": _num_failed(steady),
        "p99_ratio": round(after.p99_ms / before.p99_ms, 3),
        "p50_ratio": round(after.p50_ms / before.p50_ms, 3),
        "p50_ms": [round(before.p50_ms, 1), round(after.p50_ms, 1)],
        "p99_ms": [round(before.p99_ms, 1), round(after.p99_ms, 1)],
        "replaced": churn.num_replaced,
        "answered_by_new": len(by_new),
        "capacity_texts_per_s": round(capacity, 1),
        "steady": fates(steady.outcomes),
        "churned": fates(churned.outcomes),
        "sender_delay_ms": [round(1000 * loop.max_delay_s, 1) for loop in (steady, churned)],
    }
    say(f"round {number + 1}: {figures}")
    others = [*churned.answers, *steady.answers]
    every = max(1, len(others) // max(1, len(by_new)))
    return {**figures, "answers": [*by_new, *others[::every]]}  # half of those to be checked are new


def _num_failed(loop: OpenLoop) -> int:
    """Refused and late ones included."""
    return sum(outcome.fate is not Fate.ANSWERED for outcome in loop.outcomes)


if __name__ == "__main__":
    sys.exit(main())
