"""The public origin in front of several services."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.local.folders import Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.proxy import answers, proxy_spec
from tests.fakes.ports import free_port, free_ports
from tests.fakes.scripted_server import ScriptedServer, scripted

NUM_REQUESTS = 24
PATIENCE_S = 30.0
PREDICT = "/v1/tasks/news/predict"


@pytest.fixture
def here() -> Iterator[ScriptedServer]:
    """A service that answers as many requests as are asked here."""
    with scripted() as server:
        server.answers = [(200, {"Content-Length": "2"}, "{}")] * (NUM_REQUESTS + 1)
        yield server


@contextmanager
def proxied(folder: Path, *upstreams: str) -> Iterator[int]:
    """The proxy's port, in front of these services."""
    first = free_ports(5)
    spec = proxy_spec(Folders(folder), Ports(first), LOOPBACK)
    proxy = subprocess.Popen(spec.command, env={**spec.env, "SERVICE_UPSTREAM": " ".join(upstreams)})
    try:
        ends_at = time.monotonic() + PATIENCE_S
        while not _listens(first):
            assert proxy.poll() is None and time.monotonic() < ends_at
            time.sleep(0.05)  # polling another process: there is nothing to wait on
        yield first
    finally:
        proxy.terminate()
        proxy.wait(PATIENCE_S)


def test_of_several_services_one_that_is_away_loses_no_request(tmp_path: Path, here: ScriptedServer) -> None:
    away = f"{LOOPBACK}:{free_port()}"
    with proxied(tmp_path, away, here.url.removeprefix("http://")) as port:
        url = f"http://{LOOPBACK}:{port}{PREDICT}"
        assert [answers(url) for _ in range(NUM_REQUESTS)] == [True] * NUM_REQUESTS


def test_a_request_that_its_sender_breaks_takes_the_service_from_nobody_else(
    tmp_path: Path, here: ScriptedServer
) -> None:
    with proxied(tmp_path, here.url.removeprefix("http://")) as port:
        with socket.create_connection((LOOPBACK, port), PATIENCE_S) as broken:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: {LOOPBACK}\r\nTransfer-Encoding: chunked\r\n\r\n"
            broken.sendall(head.encode() + b"no length\r\n")
            assert b"HTTP/1.1" in broken.recv(100), "the proxy has ended it"
        assert answers(f"http://{LOOPBACK}:{port}{PREDICT}")


def _listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=2)
    except urllib.error.HTTPError as exc:
        return exc.code == 404  # the proxy's own answer
    except OSError:
        return False
    return True
