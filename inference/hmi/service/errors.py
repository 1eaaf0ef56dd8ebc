"""The one place that turns errors into HTTP answers."""

import math

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from hmi.base.errors import FAILED, HmiError, QueueFull
from hmi.service.limits import LimitReached
from hmi.service.request_ids import request_id_of
from wire.errors import HTTP_STATUS, ErrorCode, error_body

log = structlog.get_logger(__name__)

CLIENT_GONE_STATUS = 499

_CODE_OF_STATUS = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.BODY_TOO_LARGE,
}


def json_response(content: object, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Anything that msgspec can encode, dataclasses included."""
    return Response(msgspec.json.encode(content), status, headers, media_type="application/json")


class ClientGone(Exception):
    """The caller hung up before the answer was there."""


async def on_hmi_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HmiError)
    status = HTTP_STATUS[error.code]
    if status >= 500:
        log.warning("request_refused", code=error.code.value, message=error.message)
    body = error_body(
        error.code,
        error.told,
        request_id=request_id_of(request.scope),
        param=error.param,
        details=error.details,
    )
    return json_response(body, status=status, headers=_headers(error, status))


async def on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, ErrorCode.MALFORMED_BODY)
    if error.status_code >= 500:
        code = ErrorCode.INTERNAL
    message = {
        ErrorCode.NOT_FOUND: "there is nothing here; to predict: POST /v1/tasks/{task}/predict",
        ErrorCode.METHOD_NOT_ALLOWED: f"{request.method} is not possible here; the header Allow says what is",
    }.get(code, error.detail)
    body = error_body(code, message, request_id=request_id_of(request.scope))
    return json_response(body, status=HTTP_STATUS[code], headers=dict(error.headers or {}))


async def on_client_gone(request: Request, error: Exception) -> Response:
    """Nobody reads this answer; its status only goes into the log and the metrics."""
    return Response(status_code=CLIENT_GONE_STATUS)


def on_unexpected(scope: Scope, error: Exception) -> Response:
    """For what no handler expected: a bug, told without its details."""
    log.error("request_failed", exc_info=error)
    body = error_body(ErrorCode.INTERNAL, FAILED, request_id=request_id_of(scope))
    return json_response(body, status=500)


def _headers(error: HmiError, status: int) -> dict[str, str]:
    if isinstance(error, LimitReached):
        return {**error.headers, "Retry-After": str(math.ceil(error.retry_after_s))}
    if isinstance(error, QueueFull):
        return {"Retry-After": str(math.ceil(error.retry_after_s))}
    if status == 503 and error.retryable:
        return {"Retry-After": "1"}
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    return {}
