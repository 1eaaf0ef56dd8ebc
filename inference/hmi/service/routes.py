"""The service's addresses: each reads, asks one part, and tells the answer."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hmi.base.clock import Clock
from hmi.base.errors import InvalidInput, NotFound
from hmi.service.access import Access, Grant
from hmi.service.answering import Answered, Answering
from hmi.service.convert import asked_of, response_of, unsupported_media_type
from hmi.service.errors import ClientGone, json_response
from hmi.service.event_spool import EventSpool
from hmi.service.health import Health
from hmi.service.limits import Limits
from hmi.service.metrics import CONTENT_TYPE, ServiceMetrics
from hmi.service.plane import PlaneHolder
from hmi.service.request_ids import request_id_of
from hmi.service.settings import ServiceSettings
from hmi.service.usage import usage_of
from wire.errors import ErrorCode
from wire.usage import UsageEvent


class Routes:
    """All addresses and the parts they ask. Event loop only."""

    def __init__(
        self,
        *,
        settings: ServiceSettings,
        clock: Clock,
        access: Access,
        planes: PlaneHolder,
        answering: Answering,
        usage: EventSpool[UsageEvent],
        limits: Limits,
        metrics: ServiceMetrics,
        health: Health,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._access = access
        self._planes = planes
        self._answering = answering
        self._usage = usage
        self._limits = limits
        self._metrics = metrics
        self._health = health

    def all(self) -> list[Route]:
        return [
            Route("/v1/tasks/{task}/predict", self.predict, methods=["POST"]),
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/v1/residency", self.residency, methods=["GET"]),
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
            Route("/metrics", self.metrics, methods=["GET"]),
        ]

    async def predict(self, request: Request) -> Response:
        began = self._clock.monotonic()
        deadline = began + self._settings.request_deadline_s
        grant = await self._access.to_task(request.headers.get("authorization"), request.path_params["task"])
        self._limits.admit(grant.key.key_id, grant.limit)
        plane = self._planes.current()
        asked = asked_of(await self._body(request), self._settings)
        request_id = request_id_of(request.scope)
        answering = self._answering.answer(
            plane, grant, asked.texts, deadline=deadline, request_id=request_id
        )
        answered = await _unless_gone(request, asyncio.ensure_future(answering))
        response = response_of(
            answered,
            task=grant.task.slug,
            parameters=asked.parameters,
            spans=await plane.spans(asked.single_texts) if asked.parameters.tokens else None,
            backbone=plane.backbone.digest,
            request_id=request_id,
        )
        self._count(grant, answered, began)
        return json_response(response, headers=self._limits.headers(grant.key.key_id, grant.limit))

    async def models(self, request: Request) -> Response:
        tasks = await self._access.to_tasks(request.headers.get("authorization"))
        data = [
            {
                "id": task.slug,
                "object": "model",
                "task_id": task.task_id,
                "version": task.version_number,
                "version_id": task.version_id,
                "adapter_digest": task.bundle_digest,
                "tree_version": task.tree_digest,
            }
            for task in tasks
        ]
        return json_response({"object": "list", "data": data})

    async def healthz(self, request: Request) -> Response:
        return json_response({"status": "alive"})

    async def readyz(self, request: Request) -> Response:
        report = self._health.report()
        return json_response(report, status=200 if report.status == "ready" else 503)

    async def residency(self, request: Request) -> Response:
        """For the operator, who reaches the service's own port; no key tells who that is. What a proxy sends
        on comes from outside, and for those nothing is here."""
        if "x-forwarded-for" in request.headers:
            raise NotFound("there is nothing here")
        return json_response(self._planes.current().residency())

    async def metrics(self, request: Request) -> Response:
        if self._planes.is_open:
            for (tier, kind), num_bytes in self._planes.current().tier_bytes().items():
                self._metrics.set_tier_bytes(tier, kind, num_bytes)
        return Response(self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})

    async def _body(self, request: Request) -> bytes:
        content_type = request.headers.get("content-type", "application/json")
        if content_type.partition(";")[0].strip().lower() != "application/json":
            raise unsupported_media_type(content_type)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                raise InvalidInput(
                    f"the body is larger than {self._settings.max_body_bytes} bytes; send fewer texts a call",
                    code=ErrorCode.BODY_TOO_LARGE,
                )
        return bytes(body)

    def _count(self, grant: Grant, answered: Answered, began: float) -> None:
        latency_ms = 1e3 * (self._clock.monotonic() - began)
        event = usage_of(grant, answered, self._clock.now(), latency_ms)
        self._usage.append(event)
        self._limits.count(event)


async def _unless_gone(request: Request, answer: "asyncio.Future[Answered]") -> Answered:
    """Wait for the answer; when the caller hangs up first, the request is cancelled."""
    gone = asyncio.ensure_future(_disconnected(request))
    try:
        either: set[asyncio.Future[Any]] = {answer, gone}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientGone
        return await answer
    finally:
        gone.cancel()
        answer.cancel()


async def _disconnected(request: Request) -> None:
    message: Any = {}
    while message.get("type") != "http.disconnect":
        message = await request.receive()
