"""Structured logs with a request id on every line; no bodies, no query strings, no texts, no secrets."""

import logging
import logging.config
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

import structlog
from django.http import HttpRequest, HttpResponse

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_request_id: ContextVar[str] = ContextVar("hmi_request_id", default="")
_log = structlog.get_logger("portal.request")


def request_id() -> str:
    """Id of the request in hand; outside of one, a fresh one."""
    return _request_id.get() or uuid4().hex


def client_address(request: HttpRequest) -> str:
    """Address of the caller: the proxy in front adds it to X-Forwarded-For, as the last entry."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return str(forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", ""))


class RequestLogMiddleware:
    """Gives each request an id (or keeps a well-formed one that it has), answers it back, logs one line."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(REQUEST_ID_HEADER, "")
        identifier = given if _REQUEST_ID.fullmatch(given) else uuid4().hex
        token = _request_id.set(identifier)
        structlog.contextvars.bind_contextvars(request_id=identifier)
        started = time.monotonic()
        try:
            response = self.get_response(request)
            response.headers[REQUEST_ID_HEADER] = identifier
            _log.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                duration_ms=round(1000 * (time.monotonic() - started), 1),
            )
            return response
        finally:
            structlog.contextvars.unbind_contextvars("request_id")
            _request_id.reset(token)


def logging_config(*, level: str, is_json: bool) -> dict[str, Any]:
    """Configuration for `configure`: one line a record on stderr, as JSON or for a person to read."""
    renderer = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *([structlog.processors.format_exc_info] if is_json else []),
                    renderer,
                ],
                "foreign_pre_chain": _processors(),
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Requests and their errors are logged by us; these repeat them, the first with query strings.
            "uvicorn.access": {"level": "ERROR"},
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "ERROR"},
            "axes": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Set up logging and structlog for this process (Django's LOGGING_CONFIG)."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[*_processors(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _processors() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
