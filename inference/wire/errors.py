"""The closed set of error codes, their HTTP status, and the one shape in which both planes answer them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Stable code of an error; clients may branch on it. Documented in docs/api.md."""

    # The request itself
    MALFORMED_BODY = "malformed_body"
    INVALID_FIELD = "invalid_field"
    MISSING_FIELD = "missing_field"
    EMPTY_INPUTS = "empty_inputs"
    TOO_MANY_INPUTS = "too_many_inputs"
    TEXT_TOO_LONG = "text_too_long"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    PRECONDITION_FAILED = "precondition_failed"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    # Who asks
    UNAUTHENTICATED = "unauthenticated"
    INVALID_KEY = "invalid_key"
    FORBIDDEN = "forbidden"
    CSRF_FAILED = "csrf_failed"
    # What is asked for
    NOT_FOUND = "not_found"
    TASK_NOT_FOUND = "task_not_found"
    TASK_NOT_DEPLOYED = "task_not_deployed"
    CONFLICT = "conflict"
    ALREADY_EXISTS = "already_exists"
    IN_USE = "in_use"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    STORAGE_FULL = "storage_full"
    # An uploaded dataset
    DATASET_EMPTY = "dataset_empty"
    DATASET_TOO_LARGE = "dataset_too_large"
    DATASET_BAD_ENCODING = "dataset_bad_encoding"
    DATASET_BAD_FORMAT = "dataset_bad_format"
    DATASET_MISSING_COLUMN = "dataset_missing_column"
    DATASET_EMPTY_VALUES = "dataset_empty_values"
    DATASET_ONE_LABEL = "dataset_one_label"
    DATASET_TOO_FEW_ROWS = "dataset_too_few_rows"
    DATASET_TOO_MANY_LABELS = "dataset_too_many_labels"
    # An adapter that was brought
    ADAPTER_REFUSED = "adapter_refused"
    # Capacity and state of the installation
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    QUEUE_FULL = "queue_full"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CATALOG_STALE = "catalog_stale"
    NOT_READY = "not_ready"
    BUDGET_EXCEEDED = "budget_exceeded"
    BUNDLE_BROKEN = "bundle_broken"
    BUNDLE_MISMATCH = "bundle_mismatch"
    STORE_UNAVAILABLE = "store_unavailable"
    MAIL_UNAVAILABLE = "mail_unavailable"
    TRAINING_FAILED = "training_failed"
    INTERNAL = "internal"


HTTP_STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.MALFORMED_BODY: 400,
    ErrorCode.INVALID_FIELD: 400,
    ErrorCode.MISSING_FIELD: 400,
    ErrorCode.EMPTY_INPUTS: 400,
    ErrorCode.TOO_MANY_INPUTS: 400,
    ErrorCode.TEXT_TOO_LONG: 413,
    ErrorCode.BODY_TOO_LARGE: 413,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.NOT_ACCEPTABLE: 406,
    ErrorCode.PRECONDITION_FAILED: 412,
    ErrorCode.RANGE_NOT_SATISFIABLE: 416,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.CSRF_FAILED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.TASK_NOT_FOUND: 404,
    ErrorCode.TASK_NOT_DEPLOYED: 409,
    ErrorCode.CONFLICT: 409,
    ErrorCode.ALREADY_EXISTS: 409,
    ErrorCode.IN_USE: 409,
    ErrorCode.IDEMPOTENCY_MISMATCH: 409,
    ErrorCode.STORAGE_FULL: 409,
    ErrorCode.DATASET_EMPTY: 422,
    ErrorCode.DATASET_TOO_LARGE: 413,
    ErrorCode.DATASET_BAD_ENCODING: 422,
    ErrorCode.DATASET_BAD_FORMAT: 422,
    ErrorCode.DATASET_MISSING_COLUMN: 422,
    ErrorCode.DATASET_EMPTY_VALUES: 422,
    ErrorCode.DATASET_ONE_LABEL: 422,
    ErrorCode.DATASET_TOO_FEW_ROWS: 422,
    ErrorCode.DATASET_TOO_MANY_LABELS: 422,
    ErrorCode.ADAPTER_REFUSED: 422,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.QUOTA_EXCEEDED: 429,
    ErrorCode.QUEUE_FULL: 429,
    ErrorCode.DEADLINE_EXCEEDED: 504,
    ErrorCode.CATALOG_STALE: 503,
    ErrorCode.NOT_READY: 503,
    ErrorCode.BUDGET_EXCEEDED: 503,
    ErrorCode.BUNDLE_BROKEN: 503,
    ErrorCode.BUNDLE_MISMATCH: 503,
    ErrorCode.STORE_UNAVAILABLE: 503,
    ErrorCode.MAIL_UNAVAILABLE: 503,
    ErrorCode.TRAINING_FAILED: 500,
    ErrorCode.INTERNAL: 500,
}

_TYPE_OF_STATUS: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "overloaded_error",
}


def error_type(status: int) -> str:
    """The broad class of an error, by its HTTP status."""
    if status in _TYPE_OF_STATUS:
        return _TYPE_OF_STATUS[status]
    return "server_error" if status >= 500 else "invalid_request_error"


def error_body(
    code: ErrorCode,
    message: str,
    *,
    request_id: str,
    param: str | None = None,
    details: Mapping[str, Any] | Sequence[Any] | None = None,
) -> dict[str, Any]:
    """The one error shape of both planes (docs/api.md), ready for JSON."""
    return {
        "error": {
            "message": message,
            "type": error_type(HTTP_STATUS[code]),
            "param": param,
            "code": code.value,
            "details": details,
            "request_id": request_id,
        }
    }


CANNOT_WRITE = (
    "The server cannot write on one of its disks, which is full perhaps. Tell the operator, whose log says "
    "which; then try again: what is done is kept."
)
"""What a tenant is told, who has nothing of the names of the server's folders."""
