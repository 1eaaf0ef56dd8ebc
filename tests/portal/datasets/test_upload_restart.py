"""A real portal that is killed, and connections that are cut, in the middle of an upload."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from portal.datasets import jobs
from portal.datasets.uploads import MIN_CHUNK_BYTES
from portal.local.waiting import wait_until
from tests.conftest import ROOT, DatabaseUrls
from tests.fakes.portal import make_key, make_member
from tests.fakes.ports import free_port

pytestmark = [pytest.mark.database, pytest.mark.stress, pytest.mark.django_db(transaction=True)]
START_DEADLINE_S = 60
CSV = b"text,label\n" + b"".join(
    b"film number %06d,%s\n" % (n, b"pos" if n % 2 else b"neg") for n in range(9000)
)


@contextmanager
def portal(urls: DatabaseUrls, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The portal's own server, killed at the end if it still runs."""
    command = [sys.executable, "-m", "uvicorn", "portal.config.asgi:application", "--port", str(port)]
    environment = {
        **os.environ,
        **urls.environment(),
        "PYTHONPATH": os.pathsep.join(str(ROOT / folder) for folder in ("platform", "inference")),
    }
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        has_started = wait_until(
            lambda: _answers(port) or process.poll() is not None, deadline_s=START_DEADLINE_S
        )
        assert has_started and process.poll() is None, "the portal does not answer"
        yield process
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz").is_success
    except httpx.TransportError:
        return False


def test_an_upload_survives_cut_connections_and_a_killed_portal(database_urls: DatabaseUrls) -> None:
    member = make_member("acme")
    secret = make_key(member.tenant)
    port = free_port()
    base = f"http://127.0.0.1:{port}{member.path}"
    with httpx.Client(headers={"Authorization": f"Bearer {secret}"}, timeout=30) as client:
        with portal(database_urls, port):
            begun = client.post(f"{base}/uploads", json={"file_name": "films.csv", "num_bytes": len(CSV)})
            upload = f"{base}/uploads/{begun.json()['id']}"
            assert _append(client, upload, 0) == MIN_CHUNK_BYTES
            _cut(upload, secret, MIN_CHUNK_BYTES)
            assert client.get(upload).json()["offset"] == MIN_CHUNK_BYTES
        # It was killed, not stopped; what had been answered is there when it starts again.
        with portal(database_urls, port):
            offset = client.get(upload).json()["offset"]
            assert offset == MIN_CHUNK_BYTES
            while offset < len(CSV):
                offset = _append(client, upload, offset)
            made = client.post(f"{upload}/dataset").json()
            jobs.dataset_examine(id=made["id"])
            found = client.get(f"{base}/datasets/{made['id']}").json()
            original = client.get(f"{base}/datasets/{made['id']}/original").content
    assert (found["state"], found["num_rows"]) == ("ready", 9000)
    assert found["sha256"] == hashlib.sha256(CSV).hexdigest() == hashlib.sha256(original).hexdigest()


def _append(client: httpx.Client, upload: str, offset: int) -> int:
    answer = client.patch(
        upload,
        content=CSV[offset : offset + MIN_CHUNK_BYTES],
        headers={"Content-Type": "application/octet-stream", "Upload-Offset": str(offset)},
    )
    assert answer.is_success, answer.text
    return int(answer.json()["offset"])


def _cut(upload: str, secret: str, offset: int) -> None:
    """Half a chunk, and then the line goes dead."""
    address = urlsplit(upload)
    head = (
        f"PATCH {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/octet-stream\r\nUpload-Offset: {offset}\r\n"
        f"Content-Length: {MIN_CHUNK_BYTES}\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0)) as line:
        line.sendall(head.encode() + CSV[offset : offset + MIN_CHUNK_BYTES // 2])
