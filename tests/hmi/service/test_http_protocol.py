"""An answer's head and body leave together, and who hangs up is noticed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from hmi.service.http_protocol import ON_HANG_UP, JoinedWrites, JoiningProtocol
from tests.fakes.loop import on_a_loop


class FakeTransport:
    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@on_a_loop
async def test_what_is_written_in_one_go_is_sent_in_one_go() -> None:
    transport = FakeTransport()
    joined = JoinedWrites(cast(asyncio.Transport, transport), asyncio.get_running_loop())
    joined.write(b"head ")
    joined.write(b"body")
    assert transport.sent == []
    await asyncio.sleep(0)
    joined.write(b"next")
    await asyncio.sleep(0)
    assert transport.sent == [b"head body", b"next"]


@on_a_loop
async def test_what_was_written_before_closing_is_sent() -> None:
    transport = FakeTransport()
    joined = JoinedWrites(cast(asyncio.Transport, transport), asyncio.get_running_loop())
    joined.write(b"last")
    joined.close()
    await asyncio.sleep(0)
    assert transport.sent == [b"last"]
    assert joined.is_closing()


class WaitingApp:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.has_begun, self.may_answer, self.has_hung_up = (asyncio.Event() for _ in range(3))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[ON_HANG_UP] = self.has_hung_up.set
        self.has_begun.set()
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def asked(app: WaitingApp) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which something was asked, and ``app`` has begun to answer it."""
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: JoiningProtocol(config, state, app_state={}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
        await app.has_begun.wait()
        yield reader, writer
        writer.close()
        while state.connections:  # until the server has noticed
            await asyncio.sleep(0)


@on_a_loop
async def test_who_hangs_up_before_the_answer_is_noticed() -> None:
    app = WaitingApp()
    async with asked(app) as (_, writer):
        writer.close()
        await app.has_hung_up.wait()
        app.may_answer.set()


@on_a_loop
async def test_who_hangs_up_with_the_answer_has_not_hung_up() -> None:
    app = WaitingApp()
    async with asked(app) as (reader, _):
        app.may_answer.set()
        answer = await reader.readuntil(b"ok")
        assert answer.startswith(b"HTTP/1.1 200")
    assert not app.has_hung_up.is_set()
