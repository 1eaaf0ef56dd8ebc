"""The public origin in front of several services."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from portal.local.folders import Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.proxy import answers, proxy_spec
from tests.fakes.ports import free_port, free_ports
from tests.fakes.scripted_server import ScriptedServer, scripted

NUM_REQUESTS = 600
NUM_AT_ONCE = 8
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
        with ThreadPoolExecutor(NUM_AT_ONCE) as callers:
            asked = [callers.submit(answers, url, timeout_s=PATIENCE_S) for _ in range(NUM_REQUESTS)]
        assert [one.result() for one in asked].count(False) == 0


def test_a_request_that_its_sender_breaks_takes_the_service_from_nobody_else(
    tmp_path: Path, here: ScriptedServer
) -> None:
    with proxied(tmp_path, here.url.removeprefix("http://")) as port:
        with socket.create_connection((LOOPBACK, port), PATIENCE_S) as broken:
            head = f"POST {PREDICT} HTTP/1.1\r\nHost: {LOOPBACK}\r\nTransfer-Encoding: chunked\r\n\r\n"
            broken.sendall(head.encode() + b"no length\r\n")
            assert b"HTTP/1.1" in broken.recv(100), "the proxy has ended it"
        assert answers(f"http://{LOOPBACK}:{port}{PREDICT}", timeout_s=PATIENCE_S)


@pytest.mark.parametrize(
    ("chunks", "why"),
    [
        (b"no length\r\n", "invalid byte in chunk length"),
        (b"5\r\n[1, 2, 3]\r\n", "malformed chunked encoding"),
        (b"\r\n", "empty hex number for chunk length"),
        (b"f" * 20 + b"\r\n", "http chunk length too large"),
        (b"1" * 5000 + b"\r\n", "header line too long"),
        ((b"1;" + b"a" * 500 + b"\r\n[\r\n") * 100, "chunked encoding contains too much non-data"),
    ],
)
def test_a_body_whose_chunks_cannot_be_read_is_its_senders_fault(
    tmp_path: Path, chunks: bytes, why: str
) -> None:
    """A service answers when it has the whole body: this one never has."""
    with (
        socket.create_server((LOOPBACK, 0)) as waiting,
        proxied(tmp_path, f"{LOOPBACK}:{waiting.getsockname()[1]}") as port,
    ):
        broken = HTTPConnection(LOOPBACK, port, timeout=PATIENCE_S)
        with closing(broken):
            broken.putrequest("POST", PREDICT)
            broken.putheader("Transfer-Encoding", "chunked")
            broken.endheaders(chunks)
            answer = broken.getresponse()
            error = json.loads(answer.read())["error"]
    assert (answer.status, error["code"], error["type"]) == (400, "malformed_body", "invalid_request_error")
    assert why in error["message"] and error["request_id"] == answer.headers["X-Request-ID"]


def test_a_service_that_is_away_is_told_as_that(tmp_path: Path) -> None:
    with proxied(tmp_path, f"{LOOPBACK}:{free_port()}") as port:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{LOOPBACK}:{port}{PREDICT}", timeout=PATIENCE_S)
        with refused.value as answer:
            assert answer.code == 503 and answer.headers["Retry-After"] == "2"
            assert json.loads(answer.read())["error"]["code"] == "not_ready"


def test_what_has_reached_a_service_is_sent_to_no_other(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as ending:
        ending.settimeout(PATIENCE_S)
        upstream = f"{LOOPBACK}:{ending.getsockname()[1]}"
        with proxied(tmp_path, upstream, upstream) as port, ThreadPoolExecutor(1) as caller:
            asked = caller.submit(answers, f"http://{LOOPBACK}:{port}{PREDICT}", timeout_s=PATIENCE_S)
            reached, _ = ending.accept()
            with reached:
                assert b"GET" in reached.recv(1 << 16)
            assert not asked.result()
            ending.setblocking(False)
            with pytest.raises(BlockingIOError):
                ending.accept()


def _listens(port: int) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(f"http://{LOOPBACK}:{port}/metrics", timeout=2)
    except urllib.error.HTTPError as exc:
        return exc.code == 404  # the proxy's own answer
    except OSError:
        return False
    return True
