import socket
from collections.abc import Iterator

import pytest

from portal.local.errors import InstallationError
from portal.local.ports import LOOPBACK, Ports, check_ports
from tests.fakes.ports import free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens, as nobody does on those around it."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, free_ports(5) + 3))
        listening.listen()
        yield listening.getsockname()[1]


def test_the_five_ports_follow_each_other() -> None:
    ports = Ports(8400)
    assert [ports.proxy, ports.portal, ports.service, ports.postgres, ports.broker] == list(range(8400, 8405))


def test_a_taken_port_is_named_with_its_user_and_the_option_that_moves_all(taken: int) -> None:
    with pytest.raises(
        InstallationError, match=rf"port {taken} .*PostgreSQL.*another program.*--port N moves all"
    ):
        check_ports(Ports(taken - 3), LOOPBACK)


def test_a_host_that_is_not_ours_is_refused() -> None:
    with pytest.raises(InstallationError, match=r"for the proxy, cannot be used"):
        check_ports(Ports(28_400), "203.0.113.7")


@pytest.mark.parametrize("first", [0, -1, 65_532])
def test_ports_out_of_range_are_refused(first: int) -> None:
    with pytest.raises(InstallationError, match="give a number from 1 to 65531"):
        Ports(first)
