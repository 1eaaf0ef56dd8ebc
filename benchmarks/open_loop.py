"""Requests that come when they come, answered or not: what fairness and overload send, and their rounds."""

import argparse
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
from benchmarks.serving_world import Answered, Checker, ClosedLoop, Tenant, World
from hmi.base.errors import DeadlineExceeded, QueueFull
from hmi.engine.request import EngineAnswer
from hmi.engine.simulation.figures import Fate, Outcome
from hmi.engine.simulation.workload import Workload
from hmi.kinds.single_label import softmax
from hmi.service.live_plane import LivePlane

CAPACITY_WINDOW = 192
"""Requests kept open to measure the capacity: three full batches."""
SETTLE_S = 60.0
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
    """Sends a workload at its own times; every request's end is noted when it happens."""

    def __init__(
        self, world: World, plane: LivePlane, tenants: Sequence[Tenant], *, deadline_s: float
    ) -> None:
        self._world = world
        self._plane = plane
        self._tenants = tenants
        self._deadline_s = deadline_s
        self._left = threading.Condition()
        self._num_open = 0
        self.outcomes: list[Outcome] = []
        self.answers: list[Answered] = []
        self.max_delay_s = 0.0

    def run(self, workload: Workload) -> None:
        """Returns when everything has ended; what has not after a minute and the deadline is lost."""
        begin = time.monotonic()
        texts = np.random.default_rng(5).integers(len(self._world.texts), size=workload.num_requests)
        for number in range(workload.num_requests):
            due = begin + float(workload.times_s[number])
            time.sleep(max(0.0, due - time.monotonic()))
            self.max_delay_s = max(self.max_delay_s, time.monotonic() - due)
            self._send(int(workload.tenants[number]), int(texts[number]), due)
        with self._left:
            self._left.wait_for(lambda: self._num_open == 0, self._deadline_s + SETTLE_S)

    def _send(self, number: int, text: int, due: float) -> None:
        tenant = self._tenants[number]
        request = self._world.request(tenant, text)
        request.deadline = due + self._deadline_s
        outcome = Outcome(number, due, request.documents.num_tokens)
        self.outcomes.append(outcome)
        try:
            self._plane.engine.submit(request)
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
