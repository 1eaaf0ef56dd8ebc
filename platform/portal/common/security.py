"""Headers that tell browsers to load nothing from elsewhere."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# The console's widgets (Alpine.js) evaluate expressions and write styles; the dashboard writes styles only.
_COMMON = (
    "default-src 'self'; img-src 'self' data:; font-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
DASHBOARD_POLICY = f"{_COMMON}; script-src 'self'"
CONSOLE_POLICY = f"{_COMMON}; script-src 'self' 'unsafe-inline' 'unsafe-eval'"
_CONSOLE_PATHS = ("/admin/", "/api/v1/docs")


class SecurityHeadersMiddleware:
    """Adds Content-Security-Policy and Permissions-Policy to every answer, static files included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        policy = CONSOLE_POLICY if request.path.startswith(_CONSOLE_PATHS) else DASHBOARD_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if request.path.startswith("/api/"):
            # What is read may be kept, and is asked for again with its ETag each time; the rest may not.
            kept = "private, no-cache" if request.method == "GET" else "no-store"
            response.headers.setdefault("Cache-Control", kept)
        return response
