"""uvicorn's HTTP protocol, sending what is written in one go in one go, and telling who hung up."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

ON_HANG_UP = "hmi.on_hang_up"
"""In a request's scope: called, on the event loop, when its connection ends before its answer has been sent.
(To wait for ASGI's message of it, each request would need a second task.)"""


class JoinedWrites:
    """A transport that joins what is written before the event loop goes on: head and body of an answer.

    A write is a system call, at which the event loop gives the interpreter up and waits to have it again.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts:
            self._transport.write(b"".join(parts))


class JoiningProtocol(HttpToolsProtocol):
    """HttpToolsProtocol over JoinedWrites, with ON_HANG_UP."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(cast(asyncio.Transport, JoinedWrites(transport, self.loop)))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        cycle = cast(RequestResponseCycle | None, self.cycle)  # None: nothing was asked
        if cycle is not None and cycle.disconnected:
            on_hang_up = cast(dict[str, Any], cycle.scope).get(ON_HANG_UP)
            if on_hang_up is not None:
                on_hang_up()
