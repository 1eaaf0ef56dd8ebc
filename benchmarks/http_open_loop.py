"""Requests over HTTP that come when they come: a connection is opened wherever none is free."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.http_load import request_bytes
from benchmarks.serving_oracle import Answered
from benchmarks.serving_world import LABELS, Tenant
from hmi.engine.simulation.figures import Fate, Outcome
from hmi.engine.simulation.workload import Workload

SETTLE_S = 60.0
_FATES = {200: Fate.ANSWERED, 429: Fate.REFUSED, 504: Fate.LATE}


@dataclass(slots=True)
class HttpRun:
    """What came of a workload."""

    outcomes: list[Outcome] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)
    max_delay_s: float = 0.0  # of sending a request, against its time
    generator_share: float = 0.0  # of one core
    num_connections: int = 0
    first_failure: str = ""


@dataclass(frozen=True, slots=True)
class SentText:
    """A text of a World."""

    number: int
    text: str


class HttpOpenLoop:
    """Sends workloads to a service on this machine; each request has one text, drawn from ``texts``."""

    def __init__(self, port: int, tenants: Sequence[Tenant], texts: Sequence[SentText]) -> None:
        self._port = port
        self._tenants = tenants
        self._texts = texts
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    def run(self, workload: Workload) -> HttpRun:
        """Returns when everything has ended; what has not a minute after the last request is lost."""
        run = HttpRun()
        drawn = np.random.default_rng(5).integers(len(self._texts), size=workload.num_requests)
        sent = [
            request_bytes(int(tenant), [self._texts[text].text])
            for tenant, text in zip(workload.tenants, drawn, strict=True)
        ]
        begin, processor = time.monotonic(), time.process_time()
        asyncio.run(self._send_all(run, workload, drawn.tolist(), sent))
        run.generator_share = (time.process_time() - processor) / (time.monotonic() - begin)
        return run

    async def _send_all(self, run: HttpRun, workload: Workload, drawn: list[int], sent: list[bytes]) -> None:
        self._free = []
        begin = time.monotonic()
        asked = []
        for number, request in enumerate(sent):
            due = begin + float(workload.times_s[number])
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            run.max_delay_s = max(run.max_delay_s, time.monotonic() - due)
            outcome = Outcome(int(workload.tenants[number]), due, 0)
            run.outcomes.append(outcome)
            text = self._texts[drawn[number]].number
            asked.append(asyncio.create_task(self._ask(run, outcome, text, request)))
        if asked:
            await asyncio.wait(asked, timeout=SETTLE_S)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        for _, writer in self._free:
            writer.close()

    async def _ask(self, run: HttpRun, outcome: Outcome, text: int, request: bytes) -> None:
        try:
            status, body = await self._answer(run, request)
        except (OSError, asyncio.IncompleteReadError) as error:
            status, body = 0, repr(error).encode()
        outcome.ended_s = time.monotonic()
        outcome.fate = _FATES.get(status, Fate.FAILED)
        if outcome.fate is Fate.ANSWERED:
            scores = json.loads(body)["predictions"][0]["scores"]
            found = np.array([scores[label] for label in LABELS], np.float32)
            run.answers.append(Answered(self._tenants[outcome.tenant], text, found))
        else:
            run.first_failure = run.first_failure or f"{status}: {body.decode(errors='replace')[:300]}"

    async def _answer(self, run: HttpRun, request: bytes) -> tuple[int, bytes]:
        if self._free:
            reader, writer = self._free.pop()
        else:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            run.num_connections += 1
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        self._free.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body
