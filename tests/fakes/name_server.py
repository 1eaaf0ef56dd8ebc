"""A name server that takes a question and does not answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class SilentNameServer:
    """Stands where the resolver does, until it goes_on()."""

    def __init__(self) -> None:
        self._goes_on = threading.Event()
        self.has_ended = False

    def goes_on(self) -> None:
        self._goes_on.set()

    def look_up(self, *_: Any, **__: Any) -> Any:
        """As socket.getaddrinfo."""
        self._goes_on.wait()
        self.has_ended = True
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")


@contextmanager
def silent_name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SilentNameServer]:
    """All names are asked there."""
    server = SilentNameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.look_up)
    try:
        yield server
    finally:
        server.goes_on()
