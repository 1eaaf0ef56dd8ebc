"""Asks a database that may be stopped, frozen or cut off: late means gone."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")


async def answered_within(
    seconds: float, connection: "psycopg.AsyncConnection[Any]", work: Coroutine[Any, Any, T]
) -> T:
    """What ``work`` returns, which uses ``connection`` alone. Raises TimeoutError when that takes longer.

    Then, and when this is cancelled before, the connection is cut: psycopg would ask the same silent server
    to cancel the query, on a connection more, and wait for its answer.
    """
    asked = asyncio.ensure_future(work)
    try:
        await asyncio.wait([asked], timeout=seconds)
        if asked.done():
            return asked.result()
        raise TimeoutError(f"no answer within {seconds:g} s")
    finally:
        if not asked.done():
            _cut(connection)
            with contextlib.suppress(psycopg.Error):
                await asked


def _cut(connection: "psycopg.AsyncConnection[Any]") -> None:
    """Whoever waits for this connection finds it broken at once."""
    if connection.closed:
        return
    with socket.socket(fileno=os.dup(connection.fileno())) as same, contextlib.suppress(OSError):
        same.shutdown(socket.SHUT_RDWR)
