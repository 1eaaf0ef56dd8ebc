"""Requests that come when they come, answered or not: what fairness and overload send, and their rounds."""

import argparse
import gc
import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import say
from benchmarks.serving_load import ClosedLoop
from benchmarks.serving_oracle import Answered, Checker
from benchmarks.serving_world import Tenant, World
from hmi.base.errors import DeadlineExceeded, QueueFull
from hmi.engine.request import EngineAnswer, EngineRequest
from hmi.engine.simulation.figures import Fate, Outcome
from hmi.engine.simulation.workload import Workload
from hmi.kinds.single_label import softmax
from hmi.service.live_plane import LivePlane

CAPACITY_WINDOW = 192
"""Requests kept open to measure the capacity: three full batches."""
SETTLE_S = 60.0
TICK_S = 0.002
"""Requests are sent so often, those that are due together: a generator that wakes for each takes more of the
processor than the service's refusals do."""
SLOTS, HOST = 128, 256

Figures = dict[str, Any]
Round = Callable[[World, LivePlane, int, float], Figures]
"""Of a world, its service, the round's number and its seconds; gives figures, and the answers to be checked
under ``answers``."""


def run_rounds(args: argparse.Namespace, num_tenants: int, run_round: Round) -> tuple[list[Figures], Figures]:
    """A warm-up and ``args.rounds`` rounds on a service of their own; their figures, and what checking a
    sample of the answers of each has shown."""
    if args.full:
        args.rounds, args.seconds = 5, 60.0
    with tempfile.TemporaryDirectory(prefix="hmi-open-loop-") as folder:
        world = World(Path(folder), num_tenants)
        plane = world.plane(num_slots=SLOTS, num_host=HOST)
        plane.start()
        capacity_texts_per_s(world, plane, world.tenants, args.seconds / 3)
        rounds = [run_round(world, plane, number, args.seconds) for number in range(args.rounds)]
        plane.close()
        checker = Checker(world)
        for number, figures in enumerate(rounds):
            checker.check(figures.pop("answers"), sample=args.sample, seed=number)
    return rounds, checker.result()


def rounds_parser(description: str | None, *, seconds_of: str) -> argparse.ArgumentParser:
    """The options that run_rounds reads."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help=seconds_of)
    parser.add_argument("--sample", type=int, default=40, help="answers of a round compared with the oracle")
    parser.add_argument("--full", action="store_true", help="five rounds of a minute")
    return parser


def capacity_texts_per_s(world: World, plane: LivePlane, tenants: Sequence[Tenant], seconds: float) -> float:
    """Texts a second in full batches of all tenants in turn."""
    turn = itertools.cycle(tenants)
    capacity = ClosedLoop(world, plane, lambda: next(turn), CAPACITY_WINDOW).run(seconds)
    say(f"capacity: {capacity:.0f} texts/s")
    return capacity


class OpenLoop:
    """Sends a workload at its own times, its requests made before; every request's end is noted when it
    happens. ``submit`` None: to ``plane``'s engine."""

    def __init__(
        self,
        world: World,
        plane: LivePlane,
        tenants: Sequence[Tenant],
        *,
        deadline_s: float,
        submit: Callable[[EngineRequest], None] | None = None,
    ) -> None:
        self._world = world
        self._submit = plane.engine.submit if submit is None else submit
        self._tenants = tenants
        self._deadline_s = deadline_s
        self._left = threading.Condition()
        self._num_open = 0
        self.outcomes: list[Outcome] = []
        self.answers: list[Answered] = []
        self.max_delay_s = 0.0
        self.sender_share = 0.0  # of a core, for sending and being refused

    def run(self, workload: Workload) -> None:
        """Returns when everything has ended; what has not after a minute and the deadline is lost."""
        texts = np.random.default_rng(5).integers(len(self._world.texts), size=workload.num_requests).tolist()
        tenants, times_s = workload.tenants.tolist(), workload.times_s.tolist()
        requests = [
            self._world.request(self._tenants[number], text)
            for number, text in zip(tenants, texts, strict=True)
        ]
        gc.collect()
        gc.freeze()  # what only waits to be sent is not looked through meanwhile
        begin, processor = time.monotonic(), time.thread_time()
        for number, text, due_s, request in zip(tenants, texts, times_s, requests, strict=True):
            due = begin + due_s
            if (now := time.monotonic()) < due:
                time.sleep(max(due - now, TICK_S))
            self.max_delay_s = max(self.max_delay_s, time.monotonic() - due)
            self._send(request, number, text, due)
        self.sender_share = (time.thread_time() - processor) / (time.monotonic() - begin)
        with self._left:
            self._left.wait_for(lambda: self._num_open == 0, self._deadline_s + SETTLE_S)
        gc.unfreeze()

    def _send(self, request: EngineRequest, number: int, text: int, due: float) -> None:
        tenant = self._tenants[number]
        request.hplm = tenant.hplm  # which may have been replaced since
        request.deadline = due + self._deadline_s
        outcome = Outcome(number, due, request.documents.num_tokens)
        self.outcomes.append(outcome)
        try:
            self._submit(request)
        except QueueFull:
            outcome.ended_s, outcome.fate = time.monotonic(), Fate.REFUSED
            return
        with self._left:
            self._num_open += 1
        request.future.add_done_callback(partial(self._end, outcome, tenant, text))

    def _end(self, outcome: Outcome, tenant: Tenant, text: int, future: "Future[EngineAnswer]") -> None:
        error = future.exception()
        outcome.ended_s = time.monotonic()
        if error is None:
            outcome.fate = Fate.ANSWERED
            probabilities = softmax(future.result().documents[0].outputs)[0]
            self.answers.append(Answered(tenant, text, probabilities))
        else:
            kinds = {DeadlineExceeded: Fate.LATE, QueueFull: Fate.REFUSED}
            outcome.fate = kinds.get(type(error), Fate.FAILED)
        with self._left:
            self._num_open -= 1
            self._left.notify_all()


def fates(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many requests ended how."""
    return {fate.value: sum(outcome.fate is fate for outcome in outcomes) for fate in Fate}
