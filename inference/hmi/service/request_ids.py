"""Gives every request an id, the caller's own when it is sound, and logs one line a request."""

import re
from collections.abc import Callable

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmi.base.clock import Clock
from hmi.base.random_ids import RandomIds
from wire.ids import RequestId

HEADER = b"x-request-id"
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = "hmi.request_id"

log = structlog.get_logger(__name__)


def header_of(scope: Scope, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for given, value in scope["headers"]:
        if given == name:
            text: str = value.decode("latin-1")
            return text
    return None


def request_id_of(scope: Scope) -> RequestId:
    """The id of the request that is being answered."""
    return RequestId(scope[_KEY])


class RequestIds:
    """ASGI middleware, the outermost. ``observe`` gets route, status and seconds of each answered request."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clock: Clock,
        observe: Callable[[str, int, float], None],
        on_unexpected: Callable[[Scope, Exception], Response],
    ) -> None:
        self._app = app
        self._clock = clock
        self._observe = observe
        self._on_unexpected = on_unexpected
        self._ids = RandomIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header_of(scope, HEADER) or ""
        request_id = scope[_KEY] = given if _SOUND.fullmatch(given) else self._ids.hex()
        start = self._clock.monotonic()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER, request_id.encode())]
            await send(message)

        # Never unbound: a request is a task of its own, and so is what goes on in its context afterwards.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as exc:  # noqa: BLE001 the edge of a request: it fails alone, in the one error shape
            response = self._on_unexpected(scope, exc)
            if status is None:
                await response(scope, receive, send_with_id)
        finally:
            seconds = self._clock.monotonic() - start
            # The handler's name, never the path: a path may hold anything.
            route = getattr(scope.get("endpoint"), "__name__", "unknown")
            self._observe(route, status or 0, seconds)
            log.info("request", route=route, status=status, ms=round(1000 * seconds, 1))
