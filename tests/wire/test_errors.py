"""Every code has a status and a class, and errors have one shape."""

import pytest

from wire.errors import HTTP_STATUS, ErrorCode, error_body, error_type


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_status_of_an_error(code: ErrorCode) -> None:
    assert 400 <= HTTP_STATUS[code] < 600


def test_no_status_belongs_to_a_code_that_does_not_exist() -> None:
    assert set(HTTP_STATUS) == set(ErrorCode)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "conflict_error"),
        (413, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "server_error"),
        (503, "overloaded_error"),
        (504, "overloaded_error"),
    ],
)
def test_the_class_of_an_error_follows_its_status(status: int, kind: str) -> None:
    assert error_type(status) == kind


def test_an_error_has_the_one_shape() -> None:
    body = error_body(
        ErrorCode.EMPTY_INPUTS, "give at least one text", request_id="r1", param="inputs", details={"max": 64}
    )
    assert body == {
        "error": {
            "message": "give at least one text",
            "type": "invalid_request_error",
            "param": "inputs",
            "code": "empty_inputs",
            "details": {"max": 64},
            "request_id": "r1",
        }
    }


def test_what_is_not_known_about_an_error_is_null_and_not_absent() -> None:
    error = error_body(ErrorCode.INTERNAL, "m", request_id="r")["error"]
    assert error["param"] is None
    assert error["details"] is None
