"""Rate limits and ETags of the REST API."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from portal.tenants.models import Role
from tests.fakes.portal import Cast, client_with, make_key, make_task

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def three_a_minute(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock stands still ten seconds into a minute."""
    monkeypatch.setattr("portal.common.throttle.time.time", lambda: 600_010.0)
    settings.ENV = settings.ENV.model_copy(update={"api_requests_per_minute": 3})
    cache.clear()
    yield
    cache.clear()


def test_headers_count_down_and_then_it_is_refused(cast: Cast) -> None:
    client = cast.acme.client()
    answers = [client.get(cast.acme.path) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert (answers[0].headers["RateLimit-Limit"], answers[0].headers["RateLimit-Reset"]) == ("3", "50")
    assert (answers[3].json()["error"]["code"], answers[3].headers["Retry-After"]) == ("rate_limited", "50")


def test_each_user_and_each_key_is_counted_alone(cast: Cast) -> None:
    for _ in range(4):
        cast.acme.client().get(cast.acme.path)
    assert cast.acme.client(Role.VIEWER).get(cast.acme.path).status_code == 200
    assert client_with(make_key(cast.acme.tenant)).get(cast.acme.path).status_code == 200


def test_strangers_are_counted_by_the_address_that_the_proxy_saw_whatever_they_claim(cast: Cast) -> None:
    looked = [
        Client()
        .post(
            "/api/v1/invitations/look",
            {"token": "x"},
            content_type="application/json",
            headers={"X-Forwarded-For": f"198.51.100.{number}, {address}"},
        )
        .status_code
        for number, address in enumerate(["203.0.113.1"] * 4 + ["203.0.113.2"])
    ]
    assert looked == [404, 404, 404, 429, 404]


def test_a_user_sends_so_many_invitations_an_hour_and_reads_on(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"api_requests_per_minute": 1000})
    monkeypatch.setattr("portal.common.throttle.MAX_MAILS", 3)
    client, path = cast.acme.client(), f"{cast.acme.path}/invitations"

    def invite(number: int) -> Any:
        offer = {"email": f"{number}@example.com", "role": "viewer"}
        return client.post(path, offer, content_type="application/json")

    first, *_ = answers = [invite(number) for number in range(2)]
    again = client.post(f"{path}/{first.json()['id']}/resend")
    assert [answer.status_code for answer in (*answers, again, invite(3))] == [201, 201, 200, 429]
    assert client.post(f"{path}/{first.json()['id']}/resend").headers["Retry-After"] == "1190"
    assert client.get(path).json()["count"] == 2


def test_what_has_not_changed_is_not_sent_again(cast: Cast) -> None:
    client, path = cast.acme.client(), f"{cast.acme.path}/tasks"
    first = client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    same = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    make_task(cast.acme.tenant)
    changed = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, changed.json()["count"]) == (200, 1)


def test_an_answer_with_a_secret_is_never_kept(cast: Cast) -> None:
    body = {"name": "app", "scopes": ["predict"]}
    answer = cast.acme.client().post(f"{cast.acme.path}/keys", body, content_type="application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
