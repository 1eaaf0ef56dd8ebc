"""How errors of the engine are told over HTTP: status, shape, when to come back."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from hmi.base.clock import SystemClock
from hmi.base.errors import CannotWrite, DeadlineExceeded, HmiError, NotReady, QueueFull
from hmi.service.errors import on_hmi_error, on_unexpected
from hmi.service.request_ids import RequestIds
from wire.errors import CANNOT_WRITE


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (QueueFull("come back", retry_after_s=2.1), 429, "queue_full", "3"),
        (DeadlineExceeded("too late"), 504, "deadline_exceeded", None),
        (NotReady("closing"), 503, "not_ready", "1"),
    ],
)
def test_a_refusal_says_when_to_come_back(
    error: HmiError, status: int, code: str, retry_after: str | None
) -> None:
    answer = answer_to(error)
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == retry_after
    assert answer.json()["error"]["code"] == code


def test_where_on_the_server_a_disk_is_full_the_operator_alone_is_told() -> None:
    with capture_logs() as logs:
        answer = answer_to(CannotWrite("there is no room left in /var/lib/hmi"))
    assert answer.json()["error"]["message"] == CANNOT_WRITE
    told = [line["message"] for line in logs if line["event"] == "request_refused"]
    assert told == ["there is no room left in /var/lib/hmi"]


def answer_to(error: HmiError) -> Any:
    async def refuse(request: Request) -> Response:
        raise error

    app = Starlette(routes=[Route("/", refuse)], exception_handlers={HmiError: on_hmi_error})
    service = RequestIds(
        app, clock=SystemClock(), observe=lambda route, status, seconds: None, on_unexpected=on_unexpected
    )
    return TestClient(service).get("/")
