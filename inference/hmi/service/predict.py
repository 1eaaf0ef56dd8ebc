"""`POST /v1/tasks/{task}/predict`: the one address that is asked all the time."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hmi.base.clock import Clock
from hmi.base.errors import DeadlineExceeded, HmiError, InvalidInput
from hmi.base.random_ids import RandomIds
from hmi.service.access import Access, Grant
from hmi.service.answering import Answered, Answering
from hmi.service.convert import asked_of, response_of, unsupported_media_type
from hmi.service.errors import ClientGone, json_response, on_client_gone, on_hmi_error
from hmi.service.http_protocol import ON_HANG_UP
from hmi.service.joint_events import JointEvents
from hmi.service.limits import Limits
from hmi.service.plane import PlaneHolder
from hmi.service.request_ids import header_of, request_id_of
from hmi.service.request_room import OpenRequest, RequestRoom
from hmi.service.settings import ServiceSettings
from hmi.service.usage import usage_of
from wire.errors import ErrorCode
from wire.ids import EventId
from wire.usage import UsageEvent

_BEFORE_TASK, _AFTER_TASK = "/v1/tasks/", "/predict"


def task_to_predict(scope: Scope) -> str | None:
    """The slug in this address; None: it is another address."""
    path: str = scope["path"]
    if not (path.startswith(_BEFORE_TASK) and path.endswith(_AFTER_TASK)):
        return None
    slug = path[len(_BEFORE_TASK) : -len(_AFTER_TASK)]
    return slug if slug and "/" not in slug else None


class Predict:
    """An ASGI application. Event loop only. It makes no task beside the one that the server runs it in:
    where the caller hangs up (ON_HANG_UP), that one is cancelled.
    """

    __name__ = "predict"  # as logs and metrics call it

    def __init__(
        self,
        *,
        settings: ServiceSettings,
        clock: Clock,
        access: Access,
        planes: PlaneHolder,
        answering: Answering,
        usage: JointEvents[UsageEvent],
        limits: Limits,
        room: RequestRoom,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._access = access
        self._planes = planes
        self._answering = answering
        self._usage = usage
        self._limits = limits
        self._room = room
        self._ids = RandomIds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.current_task()
        assert task is not None, "an ASGI server runs a request in a task"
        has_hung_up = False

        def on_hang_up() -> None:
            nonlocal has_hung_up
            has_hung_up = True
            task.cancel()

        scope[ON_HANG_UP] = on_hang_up
        try:
            response = await self._answer(scope, receive)
        except asyncio.CancelledError:
            if not has_hung_up:
                raise
            task.uncancel()
            response = await on_client_gone(Request(scope), ClientGone())
        except ClientGone as gone:
            response = await on_client_gone(Request(scope), gone)
        except HmiError as error:
            response = await on_hmi_error(Request(scope), error)
        finally:
            del scope[ON_HANG_UP]
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        began = self._clock.monotonic()
        deadline = began + self._settings.request_deadline_s
        slug = task_to_predict(scope)
        assert slug is not None, "the application sends only predictions here"
        grant = await self._access.to_task(header_of(scope, b"authorization"), slug)
        self._limits.admit(grant.key.key_id, grant.limit)
        with self._room.hold(grant.task.tenant_id) as held:
            return await self._answer_to(grant, scope, receive, held, began=began, deadline=deadline)

    async def _answer_to(
        self,
        grant: Grant,
        scope: Scope,
        receive: Receive,
        held: OpenRequest,
        *,
        began: float,
        deadline: float,
    ) -> Response:
        plane = self._planes.current()
        asked = asked_of(await self._body(scope, receive, held, deadline), self._settings)
        request_id = request_id_of(scope)
        answered = await self._answering.answer(
            plane,
            grant,
            asked.texts,
            with_sets=asked.parameters.abstain,
            deadline=deadline,
            request_id=request_id,
        )
        response = response_of(
            answered,
            task=grant.task.slug,
            parameters=asked.parameters,
            spans=await plane.spans(asked.single_texts) if asked.parameters.tokens else None,
            backbone=plane.backbone.digest,
            request_id=request_id,
        )
        await self._count(grant, answered, began)
        return json_response(response, headers=self._limits.headers(grant.key.key_id, grant.limit))

    async def _body(self, scope: Scope, receive: Receive, held: OpenRequest, deadline: float) -> bytes:
        content_type = header_of(scope, b"content-type") or "application/json"
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise unsupported_media_type(content_type)
        body = bytearray()
        if not await self._receive_into(body, receive, held):
            return bytes(body)  # most come in one piece
        left_s = deadline - self._clock.monotonic()
        try:
            async with asyncio.timeout(left_s):
                while await self._receive_into(body, receive, held):
                    pass
        except TimeoutError as exc:
            raise DeadlineExceeded(
                f"the body had not come after {self._settings.request_deadline_s:g} s"
            ) from exc
        return bytes(body)

    async def _receive_into(self, body: bytearray, receive: Receive, held: OpenRequest) -> bool:
        """The next piece of the body; whether there is more."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > self._settings.max_body_bytes:
            raise InvalidInput(
                f"the body is larger than {self._settings.max_body_bytes} bytes; send fewer texts a call",
                code=ErrorCode.BODY_TOO_LARGE,
            )
        held.grow(len(body))
        return bool(message.get("more_body", False))

    async def _count(self, grant: Grant, answered: Answered, began: float) -> None:
        """The answer must not leave before this has ended."""
        event = usage_of(
            grant,
            answered,
            event_id=EventId(self._ids.dashed()),
            now=self._clock.now(),
            latency_ms=1e3 * (self._clock.monotonic() - began),
        )
        self._limits.count(event)
        await self._usage.keep(event)
