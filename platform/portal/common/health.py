"""Is the portal alive, and is what it needs there?"""

from typing import Any

import structlog
from celery import current_app
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

_log = structlog.get_logger("portal.health")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about what it needs."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database and broker answer, else 503; says which does not."""
    checks = {"database": _database_answers(), "broker": _broker_answers()}
    is_ready = all(checks.values())
    body: dict[str, Any] = {
        "status": "ready" if is_ready else "not_ready",
        "checks": {name: "ok" if answers else "unavailable" for name, answers in checks.items()},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            # The last table that a migration makes: a database that is not migrated is not ready.
            cursor.execute("SELECT FROM idempotency_record LIMIT 1")
    except DatabaseError as exc:
        _log.warning("database.unavailable", error=type(exc).__name__)
        return False
    return True


def _broker_answers() -> bool:
    with current_app.connection_for_write(connect_timeout=2) as broker:
        try:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
        except (*broker.recoverable_connection_errors, broker.OperationalError) as exc:
            _log.warning("broker.unavailable", error=type(exc).__name__)
            return False
    return True
