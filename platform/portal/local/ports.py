"""The five consecutive ports of the embedded installation, and whether they are free."""

import errno
import socket
from dataclasses import dataclass

from portal.local.errors import InstallationError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """``first`` is the public one; the others follow it and are on loopback."""

    first: int

    def __post_init__(self) -> None:
        if not 1 <= self.first <= 65535 - 4:
            raise InstallationError(f"--port {self.first}: give a number from 1 to {65535 - 4}")

    @property
    def proxy(self) -> int:
        return self.first

    @property
    def portal(self) -> int:
        return self.first + 1

    @property
    def service(self) -> int:
        return self.first + 2

    @property
    def postgres(self) -> int:
        return self.first + 3

    @property
    def broker(self) -> int:
        return self.first + 4


def check_ports(ports: Ports, host: str) -> None:
    """Raise InstallationError naming the first port that cannot be used, and the option that moves all."""
    wanted = [
        ("the proxy", host, ports.proxy),
        ("the portal", LOOPBACK, ports.portal),
        ("the inference service", LOOPBACK, ports.service),
        ("PostgreSQL", LOOPBACK, ports.postgres),
        ("Valkey", LOOPBACK, ports.broker),
    ]
    for user, address, port in wanted:
        problem = _why_unusable(address, port)
        if problem:
            raise InstallationError(
                f"port {port} on {address}, for {user}, cannot be used: {problem}. "
                f"--port N moves all five ports (now {ports.first} to {ports.first + 4})."
            )


def _why_unusable(address: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as exc:
        return f"--host {address} is not an address of this machine ({exc.strerror})"
    with socket.socket(family, kind, protocol) as tried:
        # As servers do: a port whose old connections linger is free.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(target)
        except OSError as exc:
            return "another program uses it" if exc.errno == errno.EADDRINUSE else (exc.strerror or str(exc))
    return None
