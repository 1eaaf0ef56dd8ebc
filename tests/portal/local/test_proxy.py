"""The public origin in front of several services."""

import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from portal.local.folders import Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.proxy import answers, proxy_spec
from tests.fakes.ports import free_port, free_ports
from tests.fakes.scripted_server import scripted

NUM_REQUESTS = 24
PATIENCE_S = 30.0


def test_of_several_services_one_that_is_away_loses_no_request(tmp_path: Path) -> None:
    first = free_ports(5)
    spec = proxy_spec(Folders(tmp_path), Ports(first), LOOPBACK)
    away = f"{LOOPBACK}:{free_port()}"
    with scripted() as here:
        here.answers = [(200, {"Content-Length": "2"}, "{}")] * NUM_REQUESTS
        upstreams = f"{away} {here.url.removeprefix('http://')}"
        proxy = subprocess.Popen(spec.command, env={**spec.env, "SERVICE_UPSTREAM": upstreams})
        try:
            ends_at = time.monotonic() + PATIENCE_S
            while not _listens(first):
                assert proxy.poll() is None and time.monotonic() < ends_at
                time.sleep(0.05)  # polling another process: there is nothing to wait on
            url = f"http://{LOOPBACK}:{first}/v1/tasks/news/predict"
            assert [answers(url) for _ in range(NUM_REQUESTS)] == [True] * NUM_REQUESTS
        finally:
            proxy.terminate()
            proxy.wait(PATIENCE_S)


def _listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{LOOPBACK}:{port}/metrics", timeout=2)
    except urllib.error.HTTPError as exc:
        return exc.code == 404  # the proxy's own answer
    except OSError:
        return False
    return True
