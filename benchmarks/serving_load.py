"""Load for a service without HTTP: tenants drawn by their shares, so many requests open at a time."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
import numpy.typing as npt

from benchmarks.common import say
from benchmarks.serving_oracle import Answered
from benchmarks.serving_world import Tenant, World
from hmi.base.errors import QueueFull
from hmi.engine.request import EngineAnswer
from hmi.kinds.single_label import softmax
from hmi.service.live_plane import LivePlane


class ClosedLoop:
    """Keeps so many requests open; ``next_request`` says which."""

    def __init__(
        self,
        world: World,
        plane: LivePlane,
        next_tenant: Callable[[], Tenant],
        window: int,
        *,
        coverage_floor: float = 0.0,
    ) -> None:
        self._world = world
        self._plane = plane
        self._next_tenant = next_tenant
        self._coverage_floor = coverage_floor
        self._slots = threading.Semaphore(window)
        self._window = window
        self._num_sent = 0
        self._lock = threading.Lock()
        self.num_failed = 0
        self.answers: list[Answered] = []
        self.num_tokens = 0
        self.num_done = 0

    def run(self, seconds: float) -> float:
        """Texts a second in the steady middle: from after the first second to the end."""
        begin = time.monotonic()
        end = begin + seconds
        first_done, first_at = 0, begin
        while (now := time.monotonic()) < end:
            if first_done == 0 and now > begin + seconds / 5:
                first_done, first_at = self.num_done, now
            self._send()
        done, at = self.num_done, time.monotonic()
        for _ in range(self._window):
            self._slots.acquire()
        for _ in range(self._window):
            self._slots.release()
        return (done - first_done) / (at - first_at)

    def _send(self) -> None:
        self._slots.acquire()
        tenant = self._next_tenant()
        text = self._num_sent % len(self._world.texts)
        self._num_sent += 1
        request = self._world.request(tenant, text)
        request.coverage_floor = self._coverage_floor
        request.future.add_done_callback(lambda done: self._done(tenant, text, done))
        while True:
            try:
                self._plane.engine.submit(request)
            except QueueFull:
                time.sleep(0.01)
            else:
                return

    def _done(self, tenant: Tenant, text: int, done: "Future[EngineAnswer]") -> None:
        error = done.exception()
        with self._lock:
            self.num_done += 1
            if error is None:
                probabilities = softmax(done.result().documents[0].outputs)[0]
                self.answers.append(Answered(tenant, text, probabilities))
            else:
                self.num_failed += 1
                if self.num_failed <= 3:
                    say(f"failed: {error!r}")
        self._slots.release()


def zipf(num_tenants: int, exponent: float) -> npt.NDArray[np.float64]:
    """Share of each tenant, the most popular first."""
    weights = 1.0 / np.arange(1, num_tenants + 1) ** exponent
    shares: npt.NDArray[np.float64] = weights / weights.sum()
    return shares


def shares_of_power(num_tenants: int, alpha: float) -> npt.NDArray[np.float64]:
    """Share of each tenant when the tenant is int(random.power(alpha) * n)."""
    edges = (np.arange(num_tenants + 1) / num_tenants) ** alpha
    shares: npt.NDArray[np.float64] = np.diff(edges)
    return shares


def chooser(tenants: Sequence[Tenant], shares: npt.NDArray[np.float64], seed: int) -> Callable[[], Tenant]:
    """Draws tenants by their shares; which tenant is popular is drawn as well."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(len(tenants))
    drawn = iter(order[chance.choice(len(tenants), size=400_000, p=shares)])
    return lambda: tenants[next(drawn)]
