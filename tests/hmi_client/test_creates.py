"""Calls that create: they may be sent several times, and each call has a key of its own."""

from hmi_client.client import Client
from hmi_client.transport import HttpTransport
from tests.fakes.scripted_server import Answer, scripted

LOST: Answer = (201, {"Content-Length": "100"}, "")
BUSY: Answer = (503, {}, {"error": {"code": "not_ready", "message": "wait", "details": None}})
MADE: Answer = (201, {}, {"slug": "mood"})


def test_one_that_was_lost_is_sent_again_with_the_same_key() -> None:
    with scripted() as server:
        server.answers = [LOST, BUSY, MADE, MADE]
        client = Client(HttpTransport(server.url, "hmi_key", sleep=lambda _seconds: None), "acme")
        assert client.create_task("Mood") == {"slug": "mood"}
        client.create_task("Mood")
    first, again, and_again, other = (headers["Idempotency-Key"] for headers in server.headers)
    assert first == again == and_again != other
    assert len(set(server.bodies)) == 1


def test_one_that_only_asks_has_none() -> None:
    with scripted() as server:
        server.answers = [(200, {}, {"slug": "acme"})]
        Client(HttpTransport(server.url, "hmi_key"), "acme").tenant()
    assert "Idempotency-Key" not in server.headers[0]
