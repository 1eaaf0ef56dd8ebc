"""The console's picture of the service's memory, and what it says when the service does not tell."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from portal.serving.memory import Broken, ServiceSilent, memory_read
from tests.fakes.portal import Cast, client_of, make_user
from wire.codec import to_json
from wire.residency import PlacedItem, PlaceReport, ResidencyReport, TierReport

MEBIBYTE = 1 << 20
REPORT = ResidencyReport(
    tiers={
        "device": TierReport(
            64 * MEBIBYTE,
            48 * MEBIBYTE,
            {"heads": 0, "upper layers": 40 * MEBIBYTE, "adapter slots": 8 * MEBIBYTE},
        ),
        "host": TierReport(128 * MEBIBYTE, MEBIBYTE, {"adapters": MEBIBYTE}),
    },
    adapters=PlaceReport(
        items=(
            PlacedItem("a" * 64, {"device": 430, "host": 430}, None),
            PlacedItem("b" * 64, {"host": 430}, None),
            PlacedItem("c" * 64, {}, "its digest is another"),
        ),
        num_on_disk_only=7,
    ),
    plot_nodes=PlaceReport(items=(PlacedItem("d" * 64, {"device": 10}, None),), num_on_disk_only=0),
)


class Service:
    """Answers every request with ``body``."""

    def __init__(self, body: str, status: int = 200) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service(to_json(REPORT))
    yield running
    running.stop()


def test_tiers_are_shown_by_what_takes_most(service: Service) -> None:
    memory = memory_read(service.url)
    device, host = memory.tiers
    assert (device.name, device.percent, host.name, host.percent) == ("Device", 75, "Host", 1)
    assert [kind.name for kind in device.kinds] == ["upper layers", "adapter slots"]


def test_things_are_counted_where_they_are(service: Service) -> None:
    adapters, nodes = memory_read(service.url).places
    assert (adapters.num_on_device, adapters.num_on_host, adapters.num_on_disk_only) == (1, 2, 7)
    assert adapters.broken == (Broken("c" * 64, "its digest is another"),)
    assert (nodes.num_on_device, nodes.num_on_disk_only) == (1, None)


def test_a_service_that_does_not_answer_is_told_with_what_to_do(service: Service) -> None:
    service.stop()
    with pytest.raises(ServiceSilent, match=r"\./hmi status"):
        memory_read(service.url)


def test_a_service_without_a_catalog_yet_is_told_as_silent() -> None:
    starting = Service("{}", status=503)
    with pytest.raises(ServiceSilent, match="first catalog"):
        memory_read(starting.url)
    starting.stop()


def test_something_else_on_its_port_is_told_apart() -> None:
    stranger = Service("<html>")
    with pytest.raises(ServiceSilent, match="no inference service of this version"):
        memory_read(stranger.url)
    stranger.stop()


def test_what_speaks_no_http_on_its_port_is_told_as_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        answering = threading.Thread(target=_talk_nonsense, args=(stranger,))
        answering.start()
        with pytest.raises(ServiceSilent, match="does not answer"):
            memory_read(f"http://127.0.0.1:{stranger.getsockname()[1]}")
        answering.join()


def _talk_nonsense(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"+PONG\r\n")


def test_without_its_address_the_setting_is_named() -> None:
    with pytest.raises(ServiceSilent, match="HMI_SERVICE_URL"):
        memory_read(None)


@pytest.mark.database
def test_the_operator_sees_it_and_nobody_else_does(
    cast: Cast, client: Client, settings: Settings, service: Service
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"service_url": service.url})
    page = client_of(make_user("operator@hmi.local", is_operator=True)).get("/admin/memory/").content.decode()
    assert "upper layers" in page and "its digest is another" in page and "(75%)" in page
    for stranger in (client, cast.acme.client()):
        assert stranger.get("/admin/memory/").status_code == 302


@pytest.mark.database
def test_the_page_says_what_to_do_when_the_service_is_away(cast: Cast, settings: Settings) -> None:
    settings.ENV = settings.ENV.model_copy(update={"service_url": None})
    operator = client_of(make_user("operator@hmi.local", is_operator=True))
    assert b"HMI_SERVICE_URL is not set" in operator.get("/admin/memory/").content
