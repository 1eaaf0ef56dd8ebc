"""What the server does around the application that it serves."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path

from hmi.base.clock import SystemClock
from hmi.cli.serve import DrainingServer, EventSinks, make_service, server_config
from hmi.service.catalog_reader import CatalogReaderConfig
from tests.fakes.catalog import FakeCatalog
from tests.fakes.events import FakeEventTable
from tests.fakes.settings import service_settings


def test_what_the_service_is_made_of_is_set_aside_from_the_collector_once_it_has_started(
    tmp_path: Path,
) -> None:
    service = make_service(
        service_settings(tmp_path.as_uri(), tmp_path),
        source=FakeCatalog(),
        sinks=EventSinks(FakeEventTable(), FakeEventTable()),
        clock=SystemClock(),
        reader_config=CatalogReaderConfig(poll_s=30, staleness_s=3600),
    )
    server = DrainingServer(server_config(service.app, host="127.0.0.1", port=0), service.health)
    try:
        assert _is_looked_at(service.app)
        asyncio.run(_start_and_end(server, lambda: not _is_looked_at(service.app)))
    finally:
        gc.unfreeze()


async def _start_and_end(server: DrainingServer, holds: Callable[[], bool]) -> None:
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0)
    assert server.started
    assert holds()
    server.should_exit = True
    await serving


def _is_looked_at(thing: object) -> bool:
    return any(each is thing for each in gc.get_objects())
