"""Prometheus metrics of the portal: requests by route, never by tenant, and jobs by state."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

_REQUESTS = Counter("hmi_portal_requests", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram("hmi_portal_request_seconds", "Time to answer a request.", ["route"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MetricsMiddleware:
    """Counts and times each request by its route (the pattern, not the path: a path may name a tenant)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match is not None else "static or unknown"
        method = request.method if request.method in _METHODS else "other"
        _REQUESTS.labels(method, route, str(response.status_code)).inc()
        _SECONDS.labels(route).observe(time.monotonic() - started)
        return response


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """This process's metrics, in Prometheus' text format. The proxy does not pass it on to the public."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
