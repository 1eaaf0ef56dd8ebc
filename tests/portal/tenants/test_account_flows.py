"""Confirming an address, a forgotten password, second factors and sessions, with mail that goes to files."""

import base64
import hashlib
import hmac
import json
import re
import struct
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from pytest_django.fixtures import Settings

from portal.audit.models import AuditEntry
from portal.common.scope import operator_scope
from portal.common.sealing import unseal
from tests.fakes.portal import make_user

pytestmark = pytest.mark.database
ROOT = "/_allauth/browser/v1"
EMAIL = "ada@example.com"
PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "staple battery horse correct"


@pytest.fixture(autouse=True)
def mail_folder(settings: Settings, tmp_path: Path) -> Path:
    """Mail goes to files there, as in the embedded installation; counts of requests begin at none."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    cache.clear()
    return tmp_path


def _ask(client: Client, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return client.generic(
        method, f"{ROOT}/{path}", _json(body), content_type="application/json", headers=headers
    )


def _json(body: dict[str, Any] | None) -> bytes:
    return b"" if body is None else json.dumps(body).encode()


def _sign_up(client: Client) -> Any:
    return _ask(client, "POST", "auth/signup", {"email": EMAIL, "password": PASSWORD})


def _sign_in(client: Client, password: str = PASSWORD) -> Any:
    return _ask(client, "POST", "auth/login", {"email": EMAIL, "password": password})


def _key(folder: Path, page: str) -> str:
    """What stands after ``#`` in the newest mail's link to ``page``."""
    newest = max(folder.iterdir(), key=lambda file: (file.stat().st_mtime_ns, file.name))
    found = re.search(rf"http://testserver/{page}#(\S+)", newest.read_text())
    assert found is not None, newest.read_text()
    return unquote(found[1])


def _confirm(client: Client, folder: Path, *, status: int = 200) -> None:
    answer = _ask(client, "POST", "auth/email/verify", {"key": _key(folder, "confirm-email")})
    assert answer.status_code == status, answer.content


def _code(secret: str, *, steps: int = 0) -> str:
    """RFC 6238: the code of now, or of ``steps`` half-minutes later."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30 + steps), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[at : at + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def _with_second_factor(client: Client, folder: Path) -> str:
    """Signs up, confirms, and sets up TOTP; its secret."""
    _sign_up(client)
    _confirm(client, folder)
    asked = _ask(client, "GET", "account/authenticators/totp")
    assert asked.status_code == 404, asked.content
    secret = str(asked.json()["meta"]["secret"])
    sure = _ask(client, "POST", "auth/reauthenticate", {"password": PASSWORD})  # signing up does not count
    assert sure.status_code == 200, sure.content
    made = _ask(client, "POST", "account/authenticators/totp", {"code": _code(secret)})
    assert made.status_code == 200, made.content
    return secret


def _audited() -> list[str]:
    with operator_scope():
        return list(AuditEntry.objects.unscoped().order_by("id").values_list("action", flat=True))


def test_the_link_of_the_mail_confirms_the_address(client: Client, mail_folder: Path) -> None:
    assert _sign_up(client).status_code == 200
    [before] = _ask(client, "GET", "account/email").json()["data"]
    _confirm(client, mail_folder)
    [after] = _ask(client, "GET", "account/email").json()["data"]
    assert (before["verified"], after["verified"]) == (False, True)
    assert _audited() == ["user.sign_up", "user.email_confirm"]


def test_a_made_up_key_confirms_nothing(client: Client) -> None:
    _sign_up(client)
    assert _ask(client, "POST", "auth/email/verify", {"key": "MTIz:made:up"}).status_code == 400


def test_where_confirming_is_mandatory_it_comes_before_signing_in(
    client: Client, mail_folder: Path, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    answer = _sign_up(client)
    pending = [flow["id"] for flow in answer.json()["data"]["flows"] if flow.get("is_pending")]
    assert (answer.status_code, pending) == (401, ["verify_email"])
    assert client.get("/api/v1/me").status_code == 401
    _confirm(client, mail_folder, status=401)  # confirmed; now sign in
    assert _sign_in(client).status_code == 200
    assert client.get("/api/v1/me").status_code == 200


def test_a_forgotten_password_is_set_anew_by_mail(client: Client, mail_folder: Path) -> None:
    make_user(EMAIL, password=PASSWORD)
    elsewhere = Client()
    assert _sign_in(elsewhere).status_code == 200
    assert _ask(client, "POST", "auth/password/request", {"email": EMAIL}).status_code == 200
    key = _key(mail_folder, "new-password")
    looked = _ask(client, "GET", "auth/password/reset", None, **{"X-Password-Reset-Key": key})
    assert looked.status_code == 200, looked.content
    done = _ask(client, "POST", "auth/password/reset", {"key": key, "password": NEW_PASSWORD})
    assert done.status_code == 401  # allauth's way to say: set, and not signed in
    assert elsewhere.get("/api/v1/me").status_code == 401  # sessions under the old password end
    assert _sign_in(client).status_code == 400
    assert _sign_in(client, NEW_PASSWORD).status_code == 200
    again = _ask(Client(), "POST", "auth/password/reset", {"key": key, "password": PASSWORD})
    assert again.status_code == 400
    assert "user.password_reset" in _audited()


def test_a_changed_password_ends_all_other_sessions(client: Client) -> None:
    make_user(EMAIL, password=PASSWORD)
    elsewhere = Client()
    for browser in (elsewhere, client):
        assert _sign_in(browser).status_code == 200
    body = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    assert _ask(client, "POST", "account/password/change", body).status_code == 400
    assert elsewhere.get("/api/v1/me").status_code == 200
    body["current_password"] = PASSWORD
    changed = _ask(client, "POST", "account/password/change", body)
    assert changed.status_code == 200, changed.content
    assert client.get("/api/v1/me").status_code == 200
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert "user.password_change" in _audited()


def test_an_unknown_address_is_answered_alike_and_gets_no_mail(client: Client, mail_folder: Path) -> None:
    assert _ask(client, "POST", "auth/password/request", {"email": "ghost@example.com"}).status_code == 200
    assert list(mail_folder.iterdir()) == []


def test_a_second_factor_is_asked_for_at_the_next_sign_in(client: Client, mail_folder: Path) -> None:
    secret = _with_second_factor(client, mail_folder)
    _ask(client, "DELETE", "auth/session")
    first = _sign_in(client)
    pending = [flow["id"] for flow in first.json()["data"]["flows"] if flow.get("is_pending")]
    assert (first.status_code, pending) == (401, ["mfa_authenticate"])
    assert client.get("/api/v1/me").status_code == 401
    assert _ask(client, "POST", "auth/2fa/authenticate", {"code": "000000"}).status_code == 400
    assert _ask(client, "POST", "auth/2fa/authenticate", {"code": _code(secret, steps=1)}).status_code == 200
    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.django_db(transaction=True)  # allauth tells of it when it is committed
def test_a_second_factor_is_in_the_audit_log(client: Client, mail_folder: Path) -> None:
    _with_second_factor(client, mail_folder)
    assert _audited().count("user.mfa_add") == 2  # the codes for recovery come with it


def test_a_recovery_code_works_once(client: Client, mail_folder: Path) -> None:
    _with_second_factor(client, mail_folder)
    codes = _ask(client, "GET", "account/authenticators/recovery-codes").json()["data"]["unused_codes"]
    assert len(codes) == 10
    for status in (200, 400):
        other = Client()
        assert _sign_in(other).status_code == 401
        answer = _ask(other, "POST", "auth/2fa/authenticate", {"code": codes[0]})
        assert answer.status_code == status, answer.content


def test_a_second_factor_is_kept_sealed(client: Client, mail_folder: Path) -> None:
    secret = _with_second_factor(client, mail_folder)
    kept = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in kept
    assert unseal(kept) == secret


def test_a_second_factor_is_removed_and_its_owner_is_told(client: Client, mail_folder: Path) -> None:
    _with_second_factor(client, mail_folder)
    assert _ask(client, "DELETE", "account/authenticators/totp").status_code == 200
    _ask(client, "DELETE", "auth/session")
    assert _sign_in(client).status_code == 200
    texts = [file.read_text() for file in mail_folder.iterdir()]
    assert any("deactivated" in text for text in texts)
    assert "user.mfa_remove" in _audited()


def test_a_user_sees_their_sessions_and_ends_one(client: Client) -> None:
    make_user(EMAIL, password=PASSWORD)
    elsewhere = Client(headers={"User-Agent": "somewhere else"})
    assert _sign_in(elsewhere).status_code == 200
    assert _sign_in(client).status_code == 200
    sessions = _ask(client, "GET", "auth/sessions").json()["data"]
    other = next(session for session in sessions if session["user_agent"] == "somewhere else")
    assert (len(sessions), other["is_current"]) == (2, False)
    ended = _ask(client, "DELETE", "auth/sessions", {"sessions": [other["id"]]})
    assert ended.status_code == 200, ended.content
    assert elsewhere.get("/api/v1/me").status_code == 401
    assert client.get("/api/v1/me").status_code == 200


def test_another_users_session_cannot_be_ended(client: Client) -> None:
    make_user(EMAIL, password=PASSWORD)
    make_user("eve@example.com", password=PASSWORD)
    assert _sign_in(client).status_code == 200
    [session] = _ask(client, "GET", "auth/sessions").json()["data"]
    eve = Client()
    _ask(eve, "POST", "auth/login", {"email": "eve@example.com", "password": PASSWORD})
    assert _ask(eve, "DELETE", "auth/sessions", {"sessions": [session["id"]]}).status_code == 400
    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "num_allowed"),
    [
        ("auth/signup", {"email": EMAIL, "password": "12345678"}, 20),
        ("auth/password/request", {"email": EMAIL}, 5),
        ("auth/password/reset", {"key": "x", "password": "y"}, 20),
    ],
)
def test_too_many_requests_are_refused(
    client: Client, path: str, body: dict[str, str], num_allowed: int
) -> None:
    statuses = [_ask(client, "POST", path, body).status_code for _ in range(num_allowed + 1)]
    assert 429 not in statuses[:-1]
    assert statuses[-1] == 429


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"[1]",
        b"{",
        b"[" * 100_000,
        b'{"email": ' + b"9" * 5000 + b"}",
        b'{"sessions": [1e400]}',
        b'{"email": "\xff"}',
        b"email=ada@example.com",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "auth/login"), ("DELETE", "auth/sessions")])
def test_a_body_that_is_no_json_object_is_told_of(
    client: Client, method: str, path: str, body: bytes
) -> None:
    answer = client.generic(method, f"{ROOT}/{path}", body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")
    assert "JSON object" in answer.json()["error"]["message"]


def test_a_form_is_no_json_object() -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post(
        f"{ROOT}/auth/login", {"email": EMAIL, "password": PASSWORD}, headers={"X-CSRFToken": "a" * 32}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")


@pytest.mark.parametrize("cookie", [r'"\000aaaaaaaaaaa"', "a" * 5000, "ä" * 32])
def test_a_cookie_that_can_be_no_sessions_key_is_nobodys(client: Client, cookie: str) -> None:
    answer = client.get("/api/v1/me", headers={"Cookie": f"hmi_session={cookie}"})
    assert answer.status_code == 401
