"""Bodies are bounded while they arrive."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from portal.common.body_limit import BodyLimit, Receive, Send

Message = Mapping[str, Any]


class Echo:
    """An application that reads its whole body as Django does, and answers it."""

    def __init__(self) -> None:
        self.num_calls = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.num_calls += 1
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def ask(application: Echo, chunks: list[bytes], *, announced: int | None) -> list[Message]:
    """What is sent in answer to a body in ``chunks``, under a limit of ten bytes."""
    sent: list[Message] = []
    waiting: list[Message] = [
        {"type": "http.request", "body": c, "more_body": c is not chunks[-1]} for c in chunks
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if announced is None else [(b"content-length", str(announced).encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/tenants", "headers": headers}
    asyncio.run(BodyLimit(application, max_bytes=10)(scope, receive, send))
    return sent


@pytest.mark.parametrize("announced", [10, None])
def test_a_body_of_the_limit_passes(announced: int | None) -> None:
    start, body = ask(Echo(), [b"12345", b"67890"], announced=announced)
    assert (start["status"], body["body"]) == (200, b"1234567890")


def test_an_announced_excess_is_refused_unread() -> None:
    echo = Echo()
    start, body = ask(echo, [b"x" * 11], announced=11)
    assert start["status"] == 413
    assert json.loads(body["body"])["error"]["code"] == "body_too_large"
    assert echo.num_calls == 0


@pytest.mark.parametrize("announced", [None, 5])
def test_an_excess_that_was_not_announced_is_refused_once(announced: int | None) -> None:
    start, body = ask(Echo(), [b"12345", b"678901", b"2"], announced=announced)
    assert start["status"] == 413
    assert "10 bytes" in json.loads(body["body"])["error"]["message"]


def test_a_refusal_is_found_in_the_log_by_its_id() -> None:
    with capture_logs() as logs:
        start, body = ask(Echo(), [b"x" * 11], announced=11)
    identifier = json.loads(body["body"])["error"]["request_id"]
    assert (b"x-request-id", identifier.encode()) in start["headers"]
    assert [(line["request_id"], line["status"]) for line in logs] == [(identifier, 413)]
