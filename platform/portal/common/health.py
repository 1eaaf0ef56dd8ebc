"""Is the portal alive, and is what it needs there?"""

from typing import Any

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.common.queue import BrokerUnreachable, broker_connection
from portal.common.release import tables_problem

_log = structlog.get_logger("portal.health")


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing about what it needs."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when database and broker answer and the tables are this release's, else 503; says what is amiss."""
    checks = {"database": _database(), "broker": "ok" if _broker_answers() else "unavailable"}
    is_ready = all(check == "ok" for check in checks.values())
    body: dict[str, Any] = {"status": "ready" if is_ready else "not_ready", "checks": checks}
    return JsonResponse(body, status=200 if is_ready else 503)


def _database() -> str:
    try:
        problem = tables_problem(connection.alias)
    except DatabaseError as exc:
        _log.warning("database.unavailable", error=type(exc).__name__)
        return "unavailable"
    if problem:
        _log.error("database.other_release", problem=problem)
    return problem or "ok"


def _broker_answers() -> bool:
    try:
        with broker_connection():
            return True
    except BrokerUnreachable as exc:
        _log.warning("broker.unavailable", error=str(exc))
        return False
