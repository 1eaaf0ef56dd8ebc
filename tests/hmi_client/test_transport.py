"""Requests over a real socket: errors, and what is tried again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hmi_client.errors import ApiError, ClientError
from hmi_client.transport import HttpTransport
from tests.fakes.scripted_server import Answer, ScriptedServer, scripted

OK: Answer = (200, {}, {"fine": True})
BUSY: Answer = (
    503,
    {"Retry-After": "7"},
    {"error": {"code": "not_ready", "message": "wait", "details": None}},
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted() as told:
        yield told


@pytest.fixture
def waits() -> list[float]:
    """How long the transport would have slept."""
    return []


def _transport(server: ScriptedServer, waits: list[float]) -> HttpTransport:
    return HttpTransport(server.url + "/", "hmi_key", sleep=waits.append)


def test_the_key_is_sent_and_the_answer_read(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [OK]
    assert _transport(server, waits).call("GET", "/a") == {"fine": True}
    assert server.asked == [("GET", "/a", "Bearer hmi_key")]


def test_a_file_that_was_cut_off_is_asked_for_again(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [(200, {"Content-Length": "10"}, "half"), (200, {"Content-Length": "5"}, "whole")]
    assert _transport(server, waits).fetch("/a") == b"whole"
    assert len(waits) == 1


def test_a_download_that_was_cut_off_is_begun_anew(
    server: ScriptedServer, waits: list[float], tmp_path: Path
) -> None:
    content, shares = bytes(range(256)) * 4096, list[float]()
    told = {"Content-Length": str(len(content))}
    server.answers = [BUSY, (200, told, content[: len(content) // 2]), (200, told, content)]
    out = tmp_path / "large"
    _transport(server, waits).download("/a", out, shares.append)
    assert out.read_bytes() == content
    assert (len(waits), waits[0]) == (2, 7.0)
    begun_anew = shares.index(min(shares), 1)
    assert max(shares[:begun_anew]) == 0.5 and shares[-1] == 1.0
    assert shares[begun_anew:] == sorted(shares[begun_anew:]) and len(shares) > begun_anew + 1, "on the way"


def test_a_download_of_which_nobody_says_how_large_it_is_is_taken(
    server: ScriptedServer, waits: list[float], tmp_path: Path
) -> None:
    server.answers = [(200, {}, "whole")]
    _transport(server, waits).download("/a", tmp_path / "out", lambda share: None)
    assert (tmp_path / "out").read_text() == "whole"


def test_a_busy_platform_is_asked_again_when_it_says(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [BUSY, BUSY, OK]
    assert _transport(server, waits).call("GET", "/a") == {"fine": True}
    assert waits == [7.0, 7.0]


def test_what_must_not_be_repeated_is_not(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [BUSY]
    with pytest.raises(ApiError) as caught:
        _transport(server, waits).call("POST", "/a", body=b"{}", is_repeatable=False)
    assert (caught.value.status, caught.value.code, waits) == (503, "not_ready", [])


def test_a_refusal_is_not_repeated(server: ScriptedServer, waits: list[float]) -> None:
    body = {"error": {"code": "not_found", "message": "There is no such task here.", "details": None}}
    server.answers = [(404, {}, body)]
    with pytest.raises(ApiError, match="no such task"):
        _transport(server, waits).call("GET", "/a")


def test_a_redirect_does_not_take_the_key_elsewhere(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [(302, {"Location": f"{server.url}/elsewhere"}, {})]
    with pytest.raises(ApiError, match="is it an installation of HMI"):
        _transport(server, waits).call("GET", "/a")
    assert len(server.asked) == 1


def test_nobody_there_is_told_after_some_patience(waits: list[float]) -> None:
    transport = HttpTransport("http://127.0.0.1:9", "hmi_key", sleep=waits.append)
    with pytest.raises(ClientError, match="cannot be reached"):
        transport.call("GET", "/a")
    assert len(waits) == 7
