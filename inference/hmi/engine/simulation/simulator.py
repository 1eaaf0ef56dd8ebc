"""Drives the real engine, scheduler and admission through a workload in simulated time."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import numpy as np

from hmi.base.errors import DeadlineExceeded, QueueFull
from hmi.engine.batch import Batch, BatchRecord
from hmi.engine.config import EngineConfig
from hmi.engine.engine import Engine
from hmi.engine.inbox import Inbox
from hmi.engine.request import EngineAnswer, EngineRequest, HplmRef
from hmi.engine.simulation.device import (
    DeviceConfig,
    SimulatedCores,
    SimulatedPlacement,
    SimulatedRunner,
    SimulatedStage,
)
from hmi.engine.simulation.figures import Fate, Outcome
from hmi.engine.simulation.timeline import Timeline
from hmi.engine.simulation.workload import Workload
from hmi.plot.ngram import Documents
from wire.artifacts import BundleRef
from wire.ids import BundleUri, Digest, RequestId, TaskId, TenantId

_FATES = {DeadlineExceeded: Fate.LATE, QueueFull: Fate.REFUSED}
REFUSED_AFTER_S = 0.01
"""How soon a request of a closed loop comes that replaces a refused one."""
_TREE = BundleRef(BundleUri("tree"), Digest("tree"))


@dataclass(frozen=True, slots=True)
class SimulationConfig:
    """The engine's bounds and the world round it."""

    engine: EngineConfig
    device: DeviceConfig
    deadline_s: float
    weights: Sequence[float] = (1.0,)  # tenant i has weight i modulo their number
    churn_per_minute: float = 0.0  # share of the tenants that get a new adapter
    warm_s: float = 0.0  # what is counted, but for outcomes, begins then

    def __post_init__(self) -> None:
        if self.device.num_slots < self.engine.limits.max_adapters:
            raise ValueError(
                f"{self.device.num_slots} slots cannot hold the adapters of one batch, "
                f"{self.engine.limits.max_adapters}"
            )
        if self.deadline_s <= 0:
            raise ValueError(f"deadline_s must be positive, got {self.deadline_s}")
        if not self.weights or min(self.weights) <= 0:
            raise ValueError(f"weights must be positive, got {list(self.weights)}")
        if self.churn_per_minute < 0:
            raise ValueError(f"churn_per_minute cannot be negative, got {self.churn_per_minute}")
        if self.warm_s < 0:
            raise ValueError(f"warm_s cannot be negative, got {self.warm_s}")


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What happened; all but the outcomes since ``warm_s``."""

    outcomes: Sequence[Outcome]
    batches: Sequence[BatchRecord]
    ended_s: float
    busy_s: float  # computing, of all forwards together
    stalled_s: float  # likewise, of forwards that stood still while requests waited
    num_loads: int  # adapters, disk to host
    num_promotions: int  # adapters, host to device
    num_placed: int  # adapters of all batches, promoted or found on the device


def simulate(config: SimulationConfig, workload: Workload) -> SimulationResult:
    """Run ``workload`` until its last request has ended. The same arguments give the same result."""
    return _Simulation(config, workload).run()


class _Simulation:
    def __init__(self, config: SimulationConfig, workload: Workload) -> None:
        self._config = config
        self._workload = workload
        self._timeline = Timeline(on_pass=self._count)
        self._batches: list[BatchRecord] = []
        self._outcomes: list[Outcome] = []
        self._num_sent = 0 if workload.closed is None else workload.closed.window
        self._busy_s = 0.0
        self._stalled_s = 0.0
        inbox = Inbox()
        self._cores = SimulatedCores(config.device, self._timeline)
        self._placement = SimulatedPlacement(
            config.device, self._timeline, self._cores, on_arrival=lambda: inbox.post(lambda: None)
        )
        runner = SimulatedRunner(config.device, self._cores)
        self._engine: Engine[Batch] = Engine(
            config.engine,
            placement=self._placement,
            runner=runner,
            inbox=inbox,
            clock=self._timeline,
            stage=SimulatedStage(config.device, runner, self._cores, inbox),
            on_batch=self._batches.append,
        )
        self._num_tenants = int(workload.tenants.max(initial=0)) + 1
        self._versions = np.zeros(self._num_tenants, np.int64)
        self._random = np.random.default_rng(0)
        self._no_text = np.zeros(int(workload.text_tokens.sum(axis=1).max(initial=0)), np.int32)

    def run(self) -> SimulationResult:
        if self._config.warm_s:
            self._timeline.at(self._config.warm_s, self._begin_counting)
        if self._workload.closed is None:
            self._expect(0)
        else:
            for number in range(self._workload.closed.window):
                self._timeline.at(0.0, partial(self._arrive, number))
        self._expect_new_version()
        while not self._is_over:
            if not self._engine.step() and not self._is_over:
                self._timeline.advance(self._idle_s())
        self._engine.close(drain_s=0.0)
        return SimulationResult(
            outcomes=self._outcomes,
            batches=self._batches,
            ended_s=self._timeline.monotonic(),
            busy_s=self._busy_s,
            stalled_s=self._stalled_s,
            num_loads=self._placement.num_loads,
            num_promotions=self._placement.num_promotions,
            num_placed=self._placement.num_placed,
        )

    @property
    def _is_over(self) -> bool:
        return self._have_all_arrived and not self._engine.num_open_requests

    @property
    def _have_all_arrived(self) -> bool:
        closed = self._workload.closed
        if closed is None:
            return len(self._outcomes) == self._workload.num_requests
        return self._timeline.monotonic() >= closed.seconds

    def _idle_s(self) -> float:
        """Until something happens, or the engine looks at its deadlines again."""
        idle_s = self._engine.idle_s()
        event_s = self._timeline.next_event_s
        if event_s is None:
            return idle_s
        return min(idle_s, max(event_s - self._timeline.monotonic(), 0.0))

    def _count(self, seconds: float) -> None:
        num_running = self._cores.num_running
        self._busy_s += seconds * num_running
        num_still = self._config.device.num_forwards - num_running
        if num_still and self._engine.num_open_requests > self._cores.num_requests:
            self._stalled_s += seconds * num_still

    def _begin_counting(self) -> None:
        self._busy_s = self._stalled_s = 0.0
        self._batches.clear()
        self._placement.begin_counting()

    def _expect(self, number: int) -> None:
        if number < self._workload.num_requests:
            self._timeline.at(float(self._workload.times_s[number]), partial(self._arrive, number))

    def _arrive(self, number: int) -> None:
        if self._workload.closed is None:
            self._expect(number + 1)
        elif self._have_all_arrived:
            return
        number %= self._workload.num_requests
        request = self._request(number)
        outcome = Outcome(
            int(self._workload.tenants[number]), self._timeline.monotonic(), request.documents.num_tokens
        )
        self._outcomes.append(outcome)
        try:
            self._engine.submit(request)
        except QueueFull:
            outcome.ended_s, outcome.fate = self._timeline.monotonic(), Fate.REFUSED
            self._replace(outcome)
        else:
            request.future.add_done_callback(partial(self._end, outcome))

    def _end(self, outcome: Outcome, future: "Future[EngineAnswer]") -> None:
        error = future.exception()
        outcome.ended_s = self._timeline.monotonic()
        if error is None:
            outcome.fate = Fate.ANSWERED
            outcome.waited_s = future.result().queue_ms / 1000
        else:
            outcome.fate = _FATES.get(type(error), Fate.FAILED)
        self._replace(outcome)

    def _replace(self, ended: Outcome) -> None:
        """In a closed loop, another request in the place of one that has ended."""
        if self._workload.closed is not None:
            after_s = REFUSED_AFTER_S if ended.fate is Fate.REFUSED else 0.0
            number = self._num_sent
            self._num_sent += 1
            self._timeline.at(ended.ended_s + after_s, partial(self._arrive, number))

    def _request(self, number: int) -> EngineRequest:
        tenant = int(self._workload.tenants[number])
        offsets = np.zeros(self._workload.text_tokens.shape[1] + 1, np.int64)
        np.cumsum(self._workload.text_tokens[number], out=offsets[1:])
        adapter = BundleRef(BundleUri("adapter"), Digest(f"{tenant} v{self._versions[tenant]}"))
        return EngineRequest(
            request_id=RequestId(str(number)),
            tenant_id=TenantId(str(tenant)),
            task_id=TaskId(str(tenant)),
            hplm=HplmRef(adapter, _TREE),
            documents=Documents(self._no_text[: offsets[-1]], offsets),
            deadline=self._timeline.monotonic() + self._config.deadline_s,
            weight=self._config.weights[tenant % len(self._config.weights)],
            coverage_floor=1.0 if self._workload.is_exact[number] else 0.0,
        )

    def _expect_new_version(self) -> None:
        if self._config.churn_per_minute > 0 and not self._have_all_arrived:
            every_s = 60 / (self._config.churn_per_minute * self._num_tenants)
            self._timeline.at(self._timeline.monotonic() + every_s, self._renew)

    def _renew(self) -> None:
        self._versions[self._random.integers(self._num_tenants)] += 1
        self._expect_new_version()
