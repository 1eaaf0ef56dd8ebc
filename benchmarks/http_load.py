"""The real service over HTTP in a process of its own, and a load generator that keeps connections busy."""

import asyncio
import hashlib
import itertools
import json
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import uvicorn

from hmi.base.clock import SystemClock
from hmi.cli.serve import EventSinks, make_service, server_config
from hmi.model.tokenizer import tokenise_on_the_calling_thread
from hmi.service.catalog_reader import CatalogReaderConfig
from hmi.service.catalog_source import CatalogConnection
from hmi.service.logs import set_up_logs
from hmi.service.settings import ServiceSettings
from hmi.service.snapshot import CatalogRows
from wire import codec
from wire.artifacts import BundleRef
from wire.catalog import KeyRow, Scope, TaskRow
from wire.ids import BundleUri, Digest, KeyId, TaskId, TenantId, VersionId

START_S = 120.0


@dataclass(frozen=True, slots=True)
class Served:
    """What the service's process is told: every tenant has one task and one key."""

    settings: dict[str, str]  # fields of ServiceSettings
    backbone: tuple[str, str]  # URI and digest, as in the rest
    adapters: list[tuple[str, str]]
    trees: list[tuple[str, str]]
    leaves: list[tuple[str, str] | None]

    @staticmethod
    def key(number: int) -> str:
        return f"hmi_bench_{number}"

    def rows(self) -> CatalogRows:
        keys = [
            KeyRow(
                hashlib.sha256(self.key(number).encode()).digest(),
                KeyId(str(number)),
                TenantId(str(number)),
                (Scope.PREDICT,),
                None,
                None,
            )
            for number in range(len(self.adapters))
        ]
        tasks = [
            TaskRow(
                TenantId(str(number)),
                TaskId(str(number)),
                "task",
                VersionId(str(number)),
                1,
                BundleUri(adapter[0]),
                Digest(adapter[1]),
                BundleUri(tree[0]),
                Digest(tree[1]),
                None,
                None if leaf is None else BundleUri(leaf[0]),
                None if leaf is None else Digest(leaf[1]),
            )
            for number, (adapter, tree, leaf) in enumerate(
                zip(self.adapters, self.trees, self.leaves, strict=True)
            )
        ]
        uri, digest = self.backbone
        return CatalogRows(
            keys, tasks, trials=[], limits=[], backbone=BundleRef(BundleUri(uri), Digest(digest))
        )


class FixedCatalog:
    """A CatalogSource that says one thing."""

    def __init__(self, rows: CatalogRows) -> None:
        self._rows = rows

    @asynccontextmanager
    async def connect(self, on_change: Callable[[], None]) -> AsyncIterator[CatalogConnection]:
        yield self

    async def read(self) -> CatalogRows:
        return self._rows


class NoSink:
    """An EventSink that takes everything."""

    async def insert(self, events: Sequence[Any]) -> None:
        pass

    async def close(self) -> None:
        pass


@contextmanager
def serving(served: Served, folder: Path) -> Iterator[int]:
    """The service's port, while its process runs. It logs as by default, to ``folder``."""
    told = folder / "served.json"
    told.write_text(codec.to_json(served))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.http_load", str(told)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        told_port = process.stdout.readline()
        if not told_port:
            raise RuntimeError(f"the service did not start: {(folder / 'log.txt').read_text()[-2000:]}")
        port = int(told_port)
        asyncio.run(_until_ready(port))
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


async def _until_ready(port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            if b" 200 " in answer.split(b"\r\n", 1)[0]:
                return
        except OSError:
            pass
        await asyncio.sleep(0.2)
    raise TimeoutError("the service did not become ready")


@dataclass(slots=True)
class HttpFigures:
    """What came of a run."""

    num_answered: int = 0
    num_failed: int = 0
    seconds: float = 0.0
    generator_share: float = 0.0  # of one core
    latencies_s: list[float] = field(default_factory=list)
    first_failure: str = ""

    @property
    def requests_per_s(self) -> float:
        return self.num_answered / self.seconds


def request_bytes(number: int, texts: Sequence[str]) -> bytes:
    """A prediction of tenant ``number``."""
    body = json.dumps({"inputs": list(texts)}).encode()
    head = (
        "POST /v1/tasks/task/predict HTTP/1.1\r\nHost: bench\r\n"
        f"Authorization: Bearer {Served.key(number)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def closed_loop(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> HttpFigures:
    """Keep ``connections`` busy with ``requests`` in turn; what ends after ``seconds`` does not count.

    The client shares the service's cores, so it does as little as it can: it sends bytes that are ready and
    looks for the end of each answer. (Streams of asyncio took more of a core than the service's parsing.)
    """
    figures = HttpFigures()
    opened = [_Connection(port, requests[number::connections]) for number in range(connections)]
    with selectors.DefaultSelector() as selector:
        for each in opened:
            selector.register(each.socket, selectors.EVENT_READ, each)
        begin, processor = time.monotonic(), time.process_time()
        for each in opened:
            each.send()
        while (now := time.monotonic()) < begin + seconds:
            for key, _ in selector.select(begin + seconds - now):
                key.data.receive(figures)
    figures.seconds = time.monotonic() - begin
    figures.generator_share = (time.process_time() - processor) / figures.seconds
    for each in opened:
        each.socket.close()
    return figures


class _Connection:
    """One request at a time, the next as soon as it is answered."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = itertools.cycle(requests)
        self._received = b""
        self._sent_s = 0.0

    def send(self) -> None:
        self._received = b""
        self._sent_s = time.monotonic()
        self.socket.sendall(next(self._requests))

    def receive(self, figures: HttpFigures) -> None:
        """What is there to be read; sends the next request when that is a whole answer."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the service closed a connection that was in use")
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        if head.startswith(b"HTTP/1.1 200 "):
            figures.num_answered += 1
            figures.latencies_s.append(time.monotonic() - self._sent_s)
        else:
            figures.num_failed += 1
            figures.first_failure = figures.first_failure or body.decode()
        self.send()


def _content_length(head: bytes) -> int:
    return int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])


def _serve(told: Path) -> None:
    served = codec.from_json(Served, told.read_text())
    set_up_logs(level="INFO", log_format="json")
    settings = ServiceSettings(**served.settings)  # type: ignore[arg-type]  # read as from the environment
    torch.set_num_threads(settings.forward_threads)
    tokenise_on_the_calling_thread()
    service = make_service(
        settings,
        source=FixedCatalog(served.rows()),
        sinks=EventSinks(NoSink(), NoSink()),
        clock=SystemClock(),
        reader_config=CatalogReaderConfig(poll_s=3600, staleness_s=3600),
    )
    config = server_config(service.app, host="127.0.0.1", port=0)
    server = uvicorn.Server(config)

    async def run() -> None:
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.05)
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        await task

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # as uvicorn does where it runs
        runner.run(run())


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
