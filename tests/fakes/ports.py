"""Ports for servers of tests."""

import socket
import time


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_ports(number: int) -> int:
    """First of ``number`` consecutive free ports, below the range that the system hands out by itself."""
    start = 20_000 + (time.monotonic_ns() // 1000) % 8_000
    for first in range(start, start + 2_000, number):
        if all(_is_free(port) for port in range(first, first + number)):
            return first
    raise RuntimeError(f"no {number} consecutive free ports from {start} on")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
