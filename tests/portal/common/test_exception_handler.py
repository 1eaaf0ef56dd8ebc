"""Whatever goes wrong, the answer has the one error shape."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from portal.catalog.models import Domain
from portal.common.scope import tenant_scope
from tests.conftest import ROOT
from tests.fakes.portal import Cast, client_with, make_key
from tests.portal.api.operations import CSV
from wire.errors import HTTP_STATUS, ErrorCode

JSON = "application/json"


def _check(answer: Any, code: ErrorCode) -> dict[str, Any]:
    assert answer.status_code == HTTP_STATUS[code], answer.content
    body = answer.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code", "details", "request_id"}
    assert error["code"] == code.value
    assert error["request_id"] == answer.headers["X-Request-ID"]
    assert error["message"]
    return error


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api", "/api/v2/me", "/_allauth/nothing", "/v1/models"])
def test_an_address_of_the_api_that_is_not_there(client: Client, path: str) -> None:
    _check(client.get(path), ErrorCode.NOT_FOUND)


@pytest.mark.database
@pytest.mark.parametrize("body", [b"{", b"NaN", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_not_json(cast: Cast, body: bytes) -> None:
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", body, content_type=JSON)
    _check(answer, ErrorCode.MALFORMED_BODY)


@pytest.mark.database
def test_a_body_that_is_not_an_object(cast: Cast) -> None:
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", "[1]", content_type=JSON)
    _check(answer, ErrorCode.INVALID_FIELD)


@pytest.mark.database
def test_a_body_of_another_type(cast: Cast) -> None:
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", "a=b", content_type="text/plain")
    error = _check(answer, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
    assert "Content-Type: application/json" in error["message"]


@pytest.mark.database
def test_json_where_a_form_is_taken_hears_of_the_form(cast: Cast) -> None:
    answer = cast.acme.client().post(f"{cast.acme.path}/datasets", {}, content_type=JSON)
    error = _check(answer, ErrorCode.UNSUPPORTED_MEDIA_TYPE)
    assert "Content-Type: multipart/form-data" in error["message"]
    assert "Content-Type: application/json" not in error["message"]


@pytest.mark.database
def test_a_key_where_only_sessions_count_is_not_told_to_send_a_key(cast: Cast) -> None:
    error = _check(client_with(make_key(cast.acme.tenant)).get("/api/v1/me"), ErrorCode.UNAUTHENTICATED)
    assert "no API key" in error["message"]
    error = _check(Client().get(cast.acme.path), ErrorCode.UNAUTHENTICATED)
    assert "send an API key" in error["message"]


@pytest.mark.database
def test_a_body_that_is_too_large(cast: Cast) -> None:
    answer = cast.acme.client().post(
        f"{cast.acme.path}/domains", '{"name": "' + "x" * 3_000_000 + '"}', content_type=JSON
    )
    _check(answer, ErrorCode.BODY_TOO_LARGE)


@pytest.mark.database
def test_a_method_that_is_not_there(cast: Cast) -> None:
    answer = cast.acme.client().put(f"{cast.acme.path}/domains", {}, content_type=JSON)
    _check(answer, ErrorCode.METHOD_NOT_ALLOWED)
    assert "POST" in answer.headers["Allow"]


@pytest.mark.database
def test_an_answer_that_is_not_json(cast: Cast) -> None:
    answer = cast.acme.client().get(f"{cast.acme.path}/domains", headers={"Accept": "text/csv"})
    _check(answer, ErrorCode.NOT_ACCEPTABLE)


@pytest.mark.database
def test_a_field_at_fault_is_named(cast: Cast) -> None:
    client, path = cast.acme.client(), f"{cast.acme.path}/domains"
    error = _check(client.post(path, {}, content_type=JSON), ErrorCode.MISSING_FIELD)
    assert error["param"] == "name"
    body = {"name": "x" * 201, "slug": "NO"}
    error = _check(client.post(path, body, content_type=JSON), ErrorCode.INVALID_FIELD)
    assert [problem["param"] for problem in error["details"]] == ["name", "slug"]


@pytest.mark.database
def test_what_has_another_etag_than_asked_for(cast: Cast) -> None:
    client = cast.acme.client()
    tag = client.get(cast.acme.path).headers["ETag"]
    assert client.get(cast.acme.path, headers={"If-Match": tag}).status_code == 200
    assert client.get(cast.acme.path, headers={"If-None-Match": tag}).status_code == 304
    error = _check(client.get(cast.acme.path, headers={"If-Match": '"other"'}), ErrorCode.PRECONDITION_FAILED)
    assert "If-Match" in error["message"]


@pytest.mark.database
def test_half_a_surrogate_pair_is_refused(cast: Cast) -> None:
    client = cast.acme.client()
    answer = client.post(f"{cast.acme.path}/domains", '{"name": "\\ud800"}', content_type=JSON)
    _check(answer, ErrorCode.INVALID_FIELD)
    body = '{"name": "k", "scopes": ["\\ud800"]}'
    _check(client.post(f"{cast.acme.path}/keys", body, content_type=JSON), ErrorCode.INVALID_FIELD)


@pytest.mark.database
def test_text_with_a_nul_is_refused(cast: Cast) -> None:
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", {"name": "a\x00b"}, content_type=JSON)
    _check(answer, ErrorCode.INVALID_FIELD)


@pytest.mark.database
def test_a_bug_of_ours_is_an_internal_error_and_nothing_half_written_stays(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("portal.catalog.services.audit_record", broken)
    answer = cast.acme.client().post(f"{cast.acme.path}/domains", {"name": "Law"}, content_type=JSON)
    error = _check(answer, ErrorCode.INTERNAL)
    assert "secret" not in error["message"]
    with tenant_scope(cast.acme.tenant.id):
        assert not Domain.objects.for_tenant(cast.acme.tenant).exists()


@pytest.mark.database
def test_an_error_outside_of_a_rest_view_has_the_shape_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(raise_request_exception=False)

    monkeypatch.setattr("portal.common.health._database", lambda: 1 / 0)
    _check(client.get("/readyz"), ErrorCode.INTERNAL)


def test_a_well_formed_request_id_is_kept_and_another_replaced(client: Client) -> None:
    given = "0123456789abcdef"
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    answer = client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_the_documentation_names_every_code() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    for code in ErrorCode:
        assert f"| `{code.value}` | {HTTP_STATUS[code]} |" in text


@pytest.mark.parametrize("path", ["/admin/login/", "/healthz", "/nothing"])
@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=ä",
        "application/x-www-form-urlencoded; charset=latin-1",
    ],
)
def test_a_form_that_cannot_be_taken_to_pieces(path: str, content_type: str) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.generic("POST", path, b"x", content_type=content_type)
    _check(answer, ErrorCode.MALFORMED_BODY)


@pytest.mark.database
@pytest.mark.parametrize("charset", ["base64", "undefined", "utf-16"])
def test_a_form_is_read_in_utf_8_whatever_its_content_type_names(cast: Cast, charset: str) -> None:
    file = SimpleUploadedFile("a.csv", CSV)
    form = encode_multipart(BOUNDARY, {"file": file, "name": "Größe"})
    content_type = f"{MULTIPART_CONTENT}; charset={charset}"
    answer = cast.acme.client().generic("POST", f"{cast.acme.path}/datasets", form, content_type)
    assert (answer.status_code, answer.json()["name"]) == (201, "Größe")
    assert Client().generic("POST", "/admin/login/", form, content_type).status_code == 200


def test_a_host_name_that_is_not_ours_is_told_of(client: Client) -> None:
    error = _check(client.get("/healthz", headers={"Host": "evil.example"}), ErrorCode.MALFORMED_BODY)
    assert "HMI_ALLOWED_HOSTS" in error["message"]
