"""A real Valkey: killed and started again."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from portal.local.broker import BrokerServer

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BrokerServer]:
    server = BrokerServer(tmp_path / "with space", _free_port(), "a password")
    server.start()
    server.wait_ready()
    yield server
    server.stop()


@pytest.fixture
def client(server: BrokerServer) -> Iterator["redis.Redis"]:
    with redis.Redis(port=server.port, password="a password", decode_responses=True) as client:
        yield client


def test_what_is_queued_survives_a_killed_server(server: BrokerServer, client: "redis.Redis") -> None:
    client.rpush("queue", *(str(number) for number in range(100)))
    server.kill()
    server.start()
    server.wait_ready()
    assert cast(Any, client.llen("queue")) == 100


def test_a_wrong_password_is_refused(server: BrokerServer) -> None:
    with redis.Redis(port=server.port, password="wrong") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_password_stands_in_a_closed_file_only(server: BrokerServer, tmp_path: Path) -> None:
    assert "a password" not in " ".join(server.spec().command)
    assert stat.S_IMODE((tmp_path / "with space" / "valkey.conf").stat().st_mode) == 0o600


def test_its_url_is_one_that_clients_understand(server: BrokerServer) -> None:
    with redis.Redis.from_url(server.url()) as client:
        assert client.ping()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
