"""Refuses request bodies that are too large while they arrive, before Django has written them to disk."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from portal.common.logging import REQUEST_ID_HEADER, request_id
from wire.errors import HTTP_STATUS, ErrorCode, error_body

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_log = structlog.get_logger("portal.request")

FORM_BYTES = 64 << 10
"""Room for the multipart form round an uploaded file."""


class BodyLimit:
    """ASGI: answers 413 to a body of more than ``max_bytes``, by its announced length or by counting it."""

    def __init__(self, application: Application, *, max_bytes: int) -> None:
        self._application = application
        self._max_bytes = max_bytes

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif _announced_bytes(scope) > self._max_bytes:
            await self._refuse(scope, send)
        else:
            await self._application(scope, self._counted(scope, receive, send), send)

    def _counted(self, scope: dict[str, Any], receive: Receive, send: Send) -> Receive:
        num_bytes = 0

        async def receive_counted() -> Message:
            nonlocal num_bytes
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._max_bytes:
                await self._refuse(scope, send)
                return {"type": "http.disconnect"}  # Django drops the request
            return message

        return receive_counted

    async def _refuse(self, scope: dict[str, Any], send: Send) -> None:
        code, identifier = ErrorCode.BODY_TOO_LARGE, request_id()
        message = f"The request is larger than {self._max_bytes:,} bytes: send less at a time."
        body = json.dumps(error_body(code, message, request_id=identifier)).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (REQUEST_ID_HEADER.lower().encode(), identifier.encode()),
        ]
        await send({"type": "http.response.start", "status": HTTP_STATUS[code], "headers": headers})
        await send({"type": "http.response.body", "body": body})
        _log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=HTTP_STATUS[code],
            request_id=identifier,
        )


def _announced_bytes(scope: dict[str, Any]) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
