"""What one attempt does with receivers of all kinds."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.webhooks.sender import Pinned, Sender
from tests.fakes.certificates import self_signed, server_context
from tests.fakes.name_server import silent_name_server
from tests.fakes.receiver import Receiver, open_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Answers 204 unless told otherwise."""
    with open_receiver() as opened:
        yield opened


def test_it_posts_body_and_headers_to_the_path(receiver: Receiver) -> None:
    sender = Sender(is_private_allowed=True)
    answer = sender.post(f"{receiver.url}/a?b=c", headers={"webhook-id": "x"}, body=b"{}")
    [received] = receiver.received
    assert (answer.status, answer.error) == (204, "")
    assert (received.path, received.body, received.headers["webhook-id"]) == ("/a?b=c", b"{}", "x")
    assert received.headers["host"] == receiver.url.removeprefix("http://")


def test_a_name_is_looked_up_once_and_connected_to_by_the_address_that_was_checked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, num_asked = socket.getaddrinfo, 0

    def look_up_names(host: str, *given: Any, **options: Any) -> Any:
        nonlocal num_asked
        if host == "receiver.example":
            num_asked += 1  # whoever controls the name may answer otherwise the second time
            host = "127.0.0.1"
        return look_up(host, *given, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up_names)
    url = receiver.url.replace("127.0.0.1", "receiver.example")
    assert Sender(is_private_allowed=True).post(url, headers={}, body=b"").error == ""
    assert num_asked == 1
    [received] = receiver.received
    assert received.headers["host"] == url.removeprefix("http://")


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433"])  # one is read, the other looked up
def test_private_addresses_are_not_called(receiver: Receiver, host: str) -> None:
    url = receiver.url.replace("http:", "https:").replace("127.0.0.1", host)
    answer = Sender(is_private_allowed=False).post(url, headers={}, body=b"")
    assert (answer.status, answer.error) == (None, "The URL leads to a private address.")
    assert receiver.received == []


def test_a_url_that_was_kept_while_the_operator_allowed_more_is_not_called() -> None:
    answer = Sender(is_private_allowed=False).post("http://192.0.2.1/", headers={}, body=b"")
    assert (answer.status, answer.error) == (None, "The URL must begin with https://.")


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = lambda request: (302, {"Location": f"{receiver.url}/elsewhere"})
    answer = Sender(is_private_allowed=True).post(receiver.url, headers={}, body=b"")
    assert (answer.status, answer.error) == (302, "redirects are not followed")
    assert [request.path for request in receiver.received] == ["/"]


def test_an_error_of_the_receiver_is_an_error(receiver: Receiver) -> None:
    receiver.answers = lambda request: (500, {})
    answer = Sender(is_private_allowed=True).post(receiver.url, headers={}, body=b"")
    assert (answer.status, answer.error) == (500, "answered 500")


def test_nobody_listening_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        answer = Sender(is_private_allowed=True).post(url, headers={}, body=b"")
    assert answer.error == "cannot be reached (ConnectionRefusedError)"


def test_a_name_server_that_is_silent_is_given_up_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_name_server(monkeypatch) as server:
        answer = Sender(is_private_allowed=True, deadline_s=0.05).post(
            "http://silent.example/", headers={}, body=b""
        )
        assert not server.has_ended  # and it was not waited for
    assert answer.error == "no answer in time"


def test_what_has_no_time_left_once_its_name_is_known_is_not_sent(receiver: Receiver) -> None:
    """What cuts a receiver off at the deadline would have come before there was one."""
    host, _, port = receiver.url.removeprefix("http://").partition(":")
    late = Pinned(host, int(port), address=host, tls=None, deadline=time.monotonic())
    with pytest.raises(TimeoutError):
        late.request("POST", "/")
    late.close()
    assert receiver.received == []


def test_a_receiver_that_drips_bytes_is_cut_off_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        sender = Sender(is_private_allowed=True, deadline_s=0.2)
        answer = sender.post(f"http://127.0.0.1:{server.getsockname()[1]}/", headers={}, body=b"")
        stop.set()
        thread.join()
    assert answer.error == "no answer in time"


def test_a_receiver_without_tls_is_told(receiver: Receiver) -> None:
    url = receiver.url.replace("http:", "https:")
    answer = Sender(is_private_allowed=True).post(url, headers={}, body=b"")
    assert answer.error.startswith("TLS: ")


@pytest.mark.parametrize(
    ("name", "is_trusted", "error"),
    [
        ("localhost", True, ""),
        ("localhost", False, "TLS: CERTIFICATE_VERIFY_FAILED"),
        ("other.example", True, "TLS: CERTIFICATE_VERIFY_FAILED"),
    ],
)
def test_over_tls_a_receiver_must_be_who_its_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_trusted: bool, error: str
) -> None:
    certificate = self_signed(tmp_path / "own.pem", name)
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with open_receiver(server_context(certificate)) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert Sender(is_private_allowed=True).post(url, headers={}, body=b"{}").error == error
        assert len(receiver.received) == (error == "")
