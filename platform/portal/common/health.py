"""Is the portal alive, and is what it needs there?"""

from typing import Any

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.common.queue import BrokerUnreachable, broker_connection

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
    try:
        with broker_connection():
            return True
    except BrokerUnreachable as exc:
        _log.warning("broker.unavailable", error=str(exc))
        return False
