"""Gives every request an id, the caller's own when it is sound, and logs one line a request."""

import re
import uuid
from collections.abc import Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmi.base.clock import Clock
from wire.ids import RequestId

HEADER = "X-Request-Id"
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = "hmi.request_id"

log = structlog.get_logger(__name__)


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        scope[_KEY] = given if _SOUND.fullmatch(given) else uuid.uuid4().hex
        start = self._clock.monotonic()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = scope[_KEY]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=scope[_KEY]):
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
