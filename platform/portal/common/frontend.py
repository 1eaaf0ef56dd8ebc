"""The dashboard's page: one index.html for every path that is not the API's, never cached."""

from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe


@require_safe
def dashboard(request: HttpRequest, *, folder: Path | None) -> HttpResponse:
    """index.html of the built dashboard, whose script finds the page by the path.

    404 without a built one, and for paths that name a file.
    """
    if folder is None or "." in request.path.rpartition("/")[2]:
        raise Http404
    try:
        page = (folder / "index.html").read_bytes()
    except FileNotFoundError as exc:
        raise Http404 from exc
    return HttpResponse(page, content_type="text/html; charset=utf-8", headers={"Cache-Control": "no-cache"})
