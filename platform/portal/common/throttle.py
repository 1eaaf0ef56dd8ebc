"""How many requests a caller may make in a minute, told in headers with each answer of the REST API."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal.common.logging import client_address

WINDOW_S = 60
MAX_MAILS = 100
MAILS_WINDOW_S = 3600


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Where a caller stands within the minute."""

    limit: int
    remaining: int
    reset_s: int


class _WindowThrottle(BaseThrottle):
    """Counts by key, by user, or by address; each portal process by itself, in windows of ``window_s``."""

    what: str
    window_s: int

    def counted(self, request: Request) -> int:
        """How many there were in this window, this one included."""
        now_s = int(time.time())
        place = f"{self.what}:{_caller(request)}:{now_s // self.window_s}"
        self.reset_s = self.window_s - now_s % self.window_s
        cache.add(place, 0, timeout=2 * self.window_s)
        return int(cache.incr(place))

    def wait(self) -> float:
        """Seconds until it may be tried again."""
        return self.reset_s


class CallerThrottle(_WindowThrottle):
    """Of all requests, by the minute."""

    what, window_s = "rate", WINDOW_S

    def allow_request(self, request: Request, view: object) -> bool:
        """See DRF."""
        limit, count = settings.ENV.api_requests_per_minute, self.counted(request)
        request._request.rate_limit = RateLimit(limit, max(limit - count, 0), self.reset_s)  # type: ignore[attr-defined]
        return bool(count <= limit)


class MailThrottle(_WindowThrottle):
    """Of mails to addresses that the caller chooses, by the hour."""

    what, window_s = "mails", MAILS_WINDOW_S

    def allow_request(self, request: Request, view: object) -> bool:
        """See DRF."""
        return request.method != "POST" or self.counted(request) <= MAX_MAILS


class RateLimitHeadersMiddleware:
    """Tells callers of the REST API what the throttle counted."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        counted: RateLimit | None = getattr(request, "rate_limit", None)
        if counted is not None:
            response.headers["RateLimit-Limit"] = str(counted.limit)
            response.headers["RateLimit-Remaining"] = str(counted.remaining)
            response.headers["RateLimit-Reset"] = str(counted.reset_s)
        return response


def _caller(request: Request) -> str:
    known = getattr(request.auth, "pk", None) or getattr(request.user, "pk", None)
    return str(known or client_address(request._request))
