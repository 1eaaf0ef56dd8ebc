"""The one place where the portal's errors become answers, all of the one shape of wire.errors."""

from collections.abc import Mapping
from typing import Any, cast

import structlog
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from portal.common.errors import PortalError
from portal.common.logging import request_id
from wire.errors import ErrorCode, error_body

_log = structlog.get_logger("portal.error")
LOCK_OUT_S = 900  # what a locked-out caller is told to wait; settings.AXES_COOLOFF_TIME says the same


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """Django REST framework's hook: the answer to whatever a view raised."""
    set_rollback()
    if isinstance(exc, exceptions.UnsupportedMediaType):
        error = _unsupported_media_type(exc, context["view"])
    else:
        error = _as_portal_error(exc)
    if error.code is ErrorCode.INTERNAL:
        _log.error("request.failed", exc_info=exc)
    response = Response(_body(error), status=error.status, headers=_headers(error))
    if isinstance(exc, exceptions.APIException) and getattr(exc, "auth_header", None):
        response.headers["WWW-Authenticate"] = cast(str, exc.auth_header)  # type: ignore[attr-defined]
    return response


def answer(error: PortalError) -> HttpResponse:
    """The answer to an error outside of a REST view."""
    return JsonResponse(_body(error), status=error.status, headers=_headers(error))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400."""
    return answer(_as_portal_error(exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    return answer(
        PortalError(
            f"There is nothing at {request.path}; see /api/v1/docs for what there is.",
            code=ErrorCode.NOT_FOUND,
        )
    )


def api_not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    """The view of addresses that belong to the API and name nothing: not the dashboard's page."""
    return not_found(request, Http404())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return answer(PortalError("You may not do this.", code=ErrorCode.FORBIDDEN))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    _log.error("request.failed", exc_info=True)
    return answer(_internal())


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    return answer(_csrf_error())


def locked_out(
    request: HttpRequest, _original: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """axes' answer to a sign-in after too many wrong ones."""
    return answer(
        PortalError(
            f"Too many failed sign-ins. Try again in {LOCK_OUT_S // 60} minutes.",
            code=ErrorCode.RATE_LIMITED,
            retry_after_s=LOCK_OUT_S,
        )
    )


def _body(error: PortalError) -> dict[str, Any]:
    return error_body(
        error.code, error.message, request_id=request_id(), param=error.param, details=error.details
    )


def _headers(error: PortalError) -> dict[str, str]:
    return {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}


def _as_portal_error(exc: Exception) -> PortalError:
    match exc:
        case PortalError():
            return exc
        case exceptions.ValidationError():
            return _validation_error(exc)
        case exceptions.APIException():
            return _framework_error(exc)
        case RequestDataTooBig():
            return PortalError("The body is too large: split the request.", code=ErrorCode.BODY_TOO_LARGE)
        case DisallowedHost():
            return PortalError(
                "HMI does not answer under the name in the header Host: use its public address, or let the"
                " operator add the name to HMI_ALLOWED_HOSTS.",
                code=ErrorCode.MALFORMED_BODY,
            )
        case SuspiciousOperation() | BadRequest() | MultiPartParserError():
            return PortalError(
                "The request cannot be read: send what /api/v1/docs shows.", code=ErrorCode.MALFORMED_BODY
            )
        case Http404():
            return PortalError("There is no such thing here.", code=ErrorCode.NOT_FOUND)
        case PermissionDenied():
            return PortalError("You may not do this.", code=ErrorCode.FORBIDDEN)
        case _:
            return _internal()


def _framework_error(exc: exceptions.APIException) -> PortalError:
    match exc:
        case exceptions.ParseError():
            return PortalError(f"The body cannot be read: {exc.detail}", code=ErrorCode.MALFORMED_BODY)
        case exceptions.AuthenticationFailed():
            return PortalError(str(exc.detail), code=ErrorCode.INVALID_KEY)
        case exceptions.NotAuthenticated() if not getattr(exc, "auth_header", None):  # set where keys count
            return PortalError(
                "Sign in: this address takes a session, and no API key.", code=ErrorCode.UNAUTHENTICATED
            )
        case exceptions.NotAuthenticated():
            return PortalError(
                "Sign in, or send an API key: 'Authorization: Bearer hmi_...'.",
                code=ErrorCode.UNAUTHENTICATED,
            )
        case exceptions.PermissionDenied() if str(exc.detail).startswith("CSRF Failed"):
            return _csrf_error()
        case exceptions.PermissionDenied():
            return PortalError(str(exc.detail), code=ErrorCode.FORBIDDEN)
        case exceptions.NotFound():
            return PortalError(str(exc.detail), code=ErrorCode.NOT_FOUND)
        case exceptions.MethodNotAllowed():
            return PortalError(
                f"{exc.detail} The header Allow of this answer says what is.",
                code=ErrorCode.METHOD_NOT_ALLOWED,
            )
        case exceptions.NotAcceptable():
            return PortalError(
                "Answers are JSON only: leave the header Accept out.", code=ErrorCode.NOT_ACCEPTABLE
            )
        case exceptions.Throttled():
            return PortalError(
                "Too many requests: wait as long as the header Retry-After says.",
                code=ErrorCode.RATE_LIMITED,
                retry_after_s=round(getattr(exc, "wait", None) or 0) or None,
            )
        case _:
            return _internal()


def _unsupported_media_type(exc: exceptions.UnsupportedMediaType, view: APIView) -> PortalError:
    types = " or ".join(parser.media_type for parser in view.parser_classes)
    return PortalError(
        f"{exc.detail} Send the header 'Content-Type: {types}'.", code=ErrorCode.UNSUPPORTED_MEDIA_TYPE
    )


def _validation_error(exc: exceptions.ValidationError) -> PortalError:
    problems = list(_problems(exc.detail, ""))
    param, first = problems[0]
    return PortalError(
        f"{param}: {first}" if param else str(first),
        code=ErrorCode.MISSING_FIELD if first.code == "required" else ErrorCode.INVALID_FIELD,
        param=param or None,
        details=[{"param": path or None, "message": str(problem)} for path, problem in problems],
    )


def _problems(detail: Any, path: str) -> list[tuple[str, exceptions.ErrorDetail]]:
    if isinstance(detail, Mapping):
        found = []
        for name, inner in detail.items():
            is_whole = name == "non_field_errors"
            found += _problems(inner, path if is_whole else f"{path}.{name}" if path else str(name))
        return found
    if isinstance(detail, list):
        return [problem for inner in detail for problem in _problems(inner, path)]
    return [(path, cast(exceptions.ErrorDetail, detail))]


def _csrf_error() -> PortalError:
    return PortalError(
        "The CSRF check failed: send the cookie 'csrftoken' back in the header 'X-CSRFToken'.",
        code=ErrorCode.CSRF_FAILED,
    )


def _internal() -> PortalError:
    return PortalError(
        "Something went wrong on our side. The request id finds it in the log.", code=ErrorCode.INTERNAL
    )
