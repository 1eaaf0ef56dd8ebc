"""The service's addresses: each reads, asks one part, and tells the answer."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hmi.base.errors import NotFound
from hmi.service.access import Access
from hmi.service.errors import json_response
from hmi.service.health import Health
from hmi.service.metrics import CONTENT_TYPE, ServiceMetrics
from hmi.service.plane import PlaneHolder
from hmi.service.predict import Predict


class Routes:
    """All addresses and the parts they ask. Event loop only."""

    def __init__(
        self,
        *,
        predict: Predict,
        access: Access,
        planes: PlaneHolder,
        metrics: ServiceMetrics,
        health: Health,
    ) -> None:
        self.predict = predict
        self._access = access
        self._planes = planes
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
