"""Connections of the service to the database notice as soon as the portal's that the other end vanished."""

import asyncio

import pytest
from psycopg import ConnectionInfo

from hmi.service.catalog_source import PostgresCatalogConnection, PostgresCatalogSource
from hmi.service.event_writer import PostgresEventSink
from portal.config.env import database_config
from tests.conftest import DatabaseUrls
from wire.catalog import USAGE_TABLE
from wire.connections import VANISHED
from wire.usage import UsageEvent

pytestmark = pytest.mark.database


def noticing(info: ConnectionInfo) -> dict[str, str | None]:
    given = info.get_parameters()
    return {name: given.get(name) for name in VANISHED}


def test_all_connections_notice_it_as_soon(database_urls: DatabaseUrls) -> None:
    async def open_both() -> list[dict[str, str | None]]:
        sink = PostgresEventSink(database_urls.usage, USAGE_TABLE, UsageEvent)
        await sink.insert([])
        assert sink._connection is not None
        async with PostgresCatalogSource(database_urls.catalog).connect(lambda: None) as catalog:
            assert isinstance(catalog, PostgresCatalogConnection)
            noticed = [noticing(catalog._connection.info), noticing(sink._connection.info)]
        await sink.close()
        return noticed

    options = database_config(database_urls.portal)["OPTIONS"]
    portals = {name: str(options[name]) for name in VANISHED}
    assert asyncio.run(open_both()) == [portals, portals]
