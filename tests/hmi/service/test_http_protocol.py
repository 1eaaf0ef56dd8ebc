"""An answer's head and body leave together."""

import asyncio
from typing import cast

from hmi.service.http_protocol import JoinedWrites
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
