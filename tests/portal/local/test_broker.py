"""A real Valkey: killed and started again."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from portal.local.broker import BrokerServer
from tests.fakes.local_server import Running
from tests.fakes.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def server(tmp_path: Path) -> BrokerServer:
    return BrokerServer(tmp_path / "with space", free_port(), "a password")


@pytest.fixture
def running(server: BrokerServer) -> Iterator[Running]:
    running = Running(server)
    yield running
    running.stop()


@pytest.fixture
def client(server: BrokerServer, running: Running) -> Iterator["redis.Redis"]:
    with redis.Redis(port=server.port, password="a password", decode_responses=True) as client:
        yield client


def test_what_is_queued_survives_a_killed_server(running: Running, client: "redis.Redis") -> None:
    client.rpush("queue", *(str(number) for number in range(100)))
    running.kill()
    running.start()
    assert cast(Any, client.llen("queue")) == 100


def test_a_wrong_password_is_refused(server: BrokerServer, running: Running) -> None:
    with redis.Redis(port=server.port, password="wrong") as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_the_password_stands_in_a_closed_file_only(server: BrokerServer, tmp_path: Path) -> None:
    server.prepare()
    assert "a password" not in " ".join(server.spec().command)
    assert stat.S_IMODE((tmp_path / "with space" / "valkey.conf").stat().st_mode) == 0o600


def test_its_url_is_one_that_clients_understand(server: BrokerServer, running: Running) -> None:
    with redis.Redis.from_url(server.url()) as client:
        assert client.ping()
