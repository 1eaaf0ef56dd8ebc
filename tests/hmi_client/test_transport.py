"""Requests over a real socket: errors, and what is tried again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hmi_client.errors import ApiError, ClientError
from hmi_client.transport import WAITS_S, HttpTransport
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.receiver import open_receiver
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


CONTENT = bytes(range(256)) * 4096


def _part(start: int, end: int = len(CONTENT), *, tag: str = '"one"') -> Answer:
    """What the platform answers who asks for the bytes from ``start`` on, cut off at ``end``."""
    headers = {"Content-Length": str(len(CONTENT) - start), **({"ETag": tag} if tag else {})}
    if start:
        headers["Content-Range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
    return 206 if start else 200, headers, CONTENT[start:end]


def _asked(server: ScriptedServer) -> list[tuple[str | None, str | None]]:
    return [(headers.get("Range"), headers.get("If-Range")) for headers in server.headers]


def test_of_a_download_that_was_cut_off_the_rest_is_asked_for(
    server: ScriptedServer, waits: list[float], tmp_path: Path
) -> None:
    shares = list[float]()
    server.answers = [BUSY, _part(0, 400_000), _part(400_000, 700_000), BUSY, _part(700_000)]
    out = tmp_path / "large"
    _transport(server, waits).download("/a", out, shares.append)
    assert out.read_bytes() == CONTENT
    rest = [(f"bytes={start}-", '"one"') for start in (400_000, 700_000, 700_000)]
    assert _asked(server) == [(None, None), (None, None), *rest]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 5
    assert list(tmp_path.iterdir()) == [out]


def test_the_next_program_goes_on_with_it(server: ScriptedServer, waits: list[float], tmp_path: Path) -> None:
    out = tmp_path / "large"
    refusal: Answer = (403, {}, {"error": {"code": "forbidden", "message": "no", "details": None}})
    server.answers = [_part(0, 400_000), refusal, _part(400_000)]
    with pytest.raises(ApiError):
        _transport(server, waits).download("/a", out, lambda share: None)
    _transport(server, waits).download("/a", out, lambda share: None)
    assert out.read_bytes() == CONTENT and _asked(server)[-1] == ("bytes=400000-", '"one"')


def test_as_long_as_some_of_it_comes_nobody_gives_up(
    server: ScriptedServer, waits: list[float], tmp_path: Path
) -> None:
    server.answers = [_part(start, start + 50_000) for start in range(0, len(CONTENT), 50_000)]
    assert len(server.answers) > 2 * len(WAITS_S)
    _transport(server, waits).download("/a", tmp_path / "large", lambda share: None)
    assert (tmp_path / "large").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([_part(0, tag='"other"')], id="it has changed meanwhile"),
        pytest.param([(416, {}, ""), _part(0)], id="it has become shorter"),
    ],
)
def test_what_is_no_longer_the_beginning_is_thrown_away(
    server: ScriptedServer, waits: list[float], tmp_path: Path, answers: list[Answer]
) -> None:
    out = tmp_path / "large"
    out.write_bytes(b"of yesterday")
    (tmp_path / "large.etag").write_text('"yesterday"')
    server.answers = answers
    _transport(server, waits).download("/a", out, lambda share: None)
    assert out.read_bytes() == CONTENT
    assert _asked(server)[0] == ("bytes=12-", '"yesterday"')


@pytest.mark.parametrize("tag", ["", 'W/"one"'])
def test_without_a_tag_that_can_be_relied_on_it_is_begun_anew(
    server: ScriptedServer, waits: list[float], tmp_path: Path, tag: str
) -> None:
    server.answers = [_part(0, 400_000, tag=tag), _part(0, tag=tag)]
    _transport(server, waits).download("/a", tmp_path / "large", lambda share: None)
    assert (tmp_path / "large").read_bytes() == CONTENT
    assert _asked(server) == [(None, None), (None, None)]


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
    with pytest.raises(ClientError, match=r"127\.0\.0\.1:9 cannot be reached: Connection refused$"):
        transport.call("GET", "/a")
    assert len(waits) == 7


@pytest.mark.parametrize(
    ("is_trusted", "name", "told"),
    [
        pytest.param(False, "localhost", r"self.signed.*\. .*SSL_CERT_FILE", id="of nobody known"),
        pytest.param(True, "elsewhere", r"mismatch.*'localhost'\. .*SSL_CERT_FILE", id="another's"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_told_at_once(
    waits: list[float],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_trusted: bool,
    name: str,
    told: str,
) -> None:
    certificate = self_signed(tmp_path / "own.pem", name)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_receiver(server_context(certificate)) as receiver:
        transport = HttpTransport(
            receiver.url.replace("127.0.0.1", "localhost"), "hmi_key", sleep=waits.append
        )
        with pytest.raises(ClientError, match=told):
            transport.call("POST", "/a", body=b"{}")
        assert (waits, receiver.received) == ([], [])


def test_a_certificate_is_trusted_where_ssl_cert_file_names_it(
    waits: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path / "own.pem", "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_receiver(server_context(certificate)) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert HttpTransport(url, "hmi_key", sleep=waits.append).call("POST", "/a", body=b"{}") is None
        assert len(receiver.received) == 1


def test_a_page_in_place_of_an_answer_is_no_installation(server: ScriptedServer, waits: list[float]) -> None:
    server.answers = [(200, {"Content-Type": "text/html"}, "<!doctype html><title>HMI</title>")]
    with pytest.raises(ClientError, match="its address without a path"):
        _transport(server, waits).call("GET", "/a")


@pytest.mark.parametrize(
    "origin", ["hmi.example.com", "", "https://", "ftp://a", "https://a b", "https://[a", "http://a:b"]
)
def test_what_is_no_address_is_refused_at_once(origin: str) -> None:
    with pytest.raises(ClientError, match="is no address"):
        HttpTransport(origin, "hmi_key")


@pytest.mark.parametrize("key", ["", "\u201chmi_key\u201d", "hmi_\nkey"])
def test_what_is_no_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(ClientError, match="This is no key") as caught:
        HttpTransport("https://hmi.example.com", key)
    assert not key or key not in str(caught.value)
