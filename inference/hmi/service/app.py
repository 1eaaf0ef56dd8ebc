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
from starlette.middleware import Middleware

from hmi.base.clock import Clock
from hmi.base.errors import HmiError
from hmi.service.answering import Answering
from hmi.service.catalog_reader import CatalogReader
from hmi.service.errors import ClientGone, on_client_gone, on_hmi_error, on_http_exception, on_unexpected
from hmi.service.event_writer import EventWriter
from hmi.service.metrics import ServiceMetrics
from hmi.service.plane import PlaneHolder
from hmi.service.request_ids import RequestIds
from hmi.service.routes import Routes

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


def make_app(routes: Routes, parts: ServiceParts, *, metrics: ServiceMetrics, clock: Clock) -> Starlette:
    """The application. It starts ``parts`` and stops them after the last request."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with running(parts):
            yield

    return Starlette(
        routes=routes.all(),
        middleware=[
            Middleware(RequestIds, clock=clock, observe=metrics.observe_request, on_unexpected=on_unexpected)
        ],
        exception_handlers={
            HmiError: on_hmi_error,
            HTTPException: on_http_exception,
            ClientGone: on_client_gone,
        },
        lifespan=lifespan,
    )


@asynccontextmanager
async def running(parts: ServiceParts) -> AsyncIterator[None]:
    """Read the catalog and send events while the block runs; then answer what is open and send the rest."""
    runs = [parts.reader.run, *(writer.run for writer in parts.writers)]
    tasks = [asyncio.create_task(_kept_up(run)) for run in runs]
    try:
        yield
    finally:
        await parts.planes.close()
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
