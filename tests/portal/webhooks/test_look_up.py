"""Looking a name up within a deadline."""

import socket
import threading

import pytest

from portal.webhooks.look_up import looked_up
from tests.fakes.name_server import silent_name_server


def test_a_name_is_looked_up() -> None:
    assert set(looked_up("localhost", 80, within_s=60)) <= {"127.0.0.1", "::1"}


def test_a_name_that_is_none_is_told_by_the_resolvers_error() -> None:
    with pytest.raises(socket.gaierror):
        looked_up("256.256.256.256", 80, within_s=60)


def test_no_more_look_ups_than_there_are_places_wait_for_a_silent_name_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places = threading.BoundedSemaphore(2)
    num_before = threading.active_count()
    with silent_name_server(monkeypatch):
        for _ in range(5):
            with pytest.raises(TimeoutError):
                looked_up("silent.example", 80, within_s=0, places=places)
        assert threading.active_count() - num_before == 2
    for _ in range(2):  # each gives its place back when the resolver has given up
        assert places.acquire(timeout=60)
