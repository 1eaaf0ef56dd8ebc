"""The ASGI application: routes, errors, request ids, and the tasks that run beside the requests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from hmi.base.clock import Clock
from hmi.base.errors import HmiError
from hmi.service.answering import Answering
from hmi.service.catalog_reader import CatalogReader
from hmi.service.errors import on_hmi_error, on_http_exception, on_unexpected
from hmi.service.event_writer import EventWriter
from hmi.service.metrics import ServiceMetrics
from hmi.service.plane import PlaneHolder
from hmi.service.predict import Predict, task_to_predict
from hmi.service.request_ids import RequestIds
from hmi.service.routes import Routes

CLOSE_S = 10.0
LAST_FLUSH_S = 5.0
RESTART_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What runs beside the requests, in the order in which it stops."""

    reader: CatalogReader
    planes: PlaneHolder
    answering: Answering
    writers: Sequence[EventWriter[Any]]


def make_app(routes: Routes, parts: ServiceParts, *, metrics: ServiceMetrics, clock: Clock) -> ASGIApp:
    """The application. It starts ``parts`` and stops them after the last request."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running(parts):
            yield

    others = Starlette(
        routes=routes.all(),
        exception_handlers={HmiError: on_hmi_error, HTTPException: on_http_exception},
        lifespan=lifespan,
    )
    # Else another address with a slash at its end is sent on to whatever host the caller named.
    others.router.redirect_slashes = False
    return RequestIds(
        _PredictionsFirst(routes.predict, others),
        clock=clock,
        observe=metrics.observe_request,
        on_unexpected=on_unexpected,
    )


class _PredictionsFirst:
    """Takes predictions past Starlette, whose way to a handler takes as long as all that the handler does."""

    def __init__(self, predict: Predict, others: ASGIApp) -> None:
        self._predict = predict
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and task_to_predict(scope) is not None:
            scope["endpoint"] = self._predict
            await self._predict(scope, receive, send)
        else:
            await self._others(scope, receive, send)


@asynccontextmanager
async def running(parts: ServiceParts) -> AsyncIterator[None]:
    """Read the catalog and send events while the block runs; then answer what is open and send the rest."""
    runs = [parts.reader.run, *(writer.run for writer in parts.writers)]
    tasks = [asyncio.create_task(_kept_up(run)) for run in runs]
    try:
        yield
    finally:
        await parts.planes.close(within_s=CLOSE_S)
        if not parts.planes.is_stuck:  # else what is compared may never be answered
            await parts.answering.settle()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in parts.writers:
            with contextlib.suppress(TimeoutError):  # what is left stands in the spool for the next start
                await asyncio.wait_for(writer.flush(), LAST_FLUSH_S)
            await writer.close()


async def _kept_up(run: Callable[[], Awaitable[None]]) -> None:
    """Run for ever: a bug in one round must not end the reading of the catalog."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("background_task_failed")
        await asyncio.sleep(RESTART_S)
