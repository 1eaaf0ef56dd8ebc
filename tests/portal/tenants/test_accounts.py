"""Signing up, in and out through allauth's headless API."""

import json
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django.fixtures import Settings

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope
from portal.tenants.models import User
from tests.fakes.portal import make_user

pytestmark = pytest.mark.database
AUTH = "/_allauth/browser/v1/auth"
PASSWORD = "correct horse battery staple"


def _post(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json", headers=headers)


def test_signing_up_makes_a_user_who_is_signed_in(client: Client) -> None:
    answer = _post(client, f"{AUTH}/signup", {"email": "Ada@example.com", "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    user = User.objects.get()
    assert user.email == "ada@example.com"
    assert user.password.startswith("argon2")
    assert client.get("/api/v1/me").json()["user"]["email"] == "ada@example.com"
    with operator_scope():
        assert [entry.action for entry in AuditEntry.objects.unscoped()] == ["user.sign_up"]
    assert [message.to for message in mail.outbox] == [["ada@example.com"]]


def test_a_weak_password_is_refused(client: Client) -> None:
    answer = _post(client, f"{AUTH}/signup", {"email": "ada@example.com", "password": "12345678"})
    assert answer.status_code == 400
    assert not User.objects.exists()


def test_signing_in_and_out(client: Client) -> None:
    make_user("ada@example.com", password=PASSWORD)
    answer = _post(client, f"{AUTH}/login", {"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    assert client.get("/api/v1/me").status_code == 200
    assert client.delete(f"{AUTH}/session").status_code == 401  # allauth's way to say: signed out
    assert client.get("/api/v1/me").status_code == 401


def test_a_wrong_password_is_refused(client: Client) -> None:
    make_user("ada@example.com", password=PASSWORD)
    answer = _post(client, f"{AUTH}/login", {"email": "ada@example.com", "password": "wrong"})
    assert answer.status_code == 400
    assert client.get("/api/v1/me").status_code == 401


def test_after_too_many_wrong_passwords_the_right_one_is_refused_too(
    client: Client, settings: Settings
) -> None:
    settings.AXES_FAILURE_LIMIT = 2
    make_user("ada@example.com", password=PASSWORD)
    for _ in range(2):
        answer = _post(client, f"{AUTH}/login", {"email": "ada@example.com", "password": "wrong"})
    answer = _post(client, f"{AUTH}/login", {"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limited"
    assert answer.headers["Retry-After"] == "900"
    assert client.get("/api/v1/me").status_code == 401


def test_a_browser_without_the_csrf_token_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = _post(client, f"{AUTH}/login", {"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "csrf_failed"


def test_the_csrf_cookie_of_the_session_call_opens_the_way() -> None:
    make_user("ada@example.com", password=PASSWORD)
    client = Client(enforce_csrf_checks=True)
    client.get(f"{AUTH}/session")
    token = client.cookies["csrftoken"].value
    answer = _post(
        client, f"{AUTH}/login", {"email": "ada@example.com", "password": PASSWORD}, **{"X-CSRFToken": token}
    )
    assert answer.status_code == 200, answer.content


def test_a_change_through_the_api_needs_the_csrf_token_too() -> None:
    user = make_user("ada@example.com")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    answer = _post(client, "/api/v1/tenants", {"name": "Ada"})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "csrf_failed"
