"""How bodies are read."""

from collections.abc import Callable, Mapping
from typing import IO, Any

from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class JsonParser(JSONParser):
    """JSON in UTF-8, whatever ``charset`` the content type names (RFC 8259 knows no other)."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """The body's value; ParseError (400) when it is not JSON, or nested too deeply to be read."""
        try:
            return super().parse(stream, media_type, {**(parser_context or {}), "encoding": "utf-8"})
        except RecursionError as exc:
            raise ParseError("it is nested too deeply") from exc


class FormsInUtf8Middleware:
    """Forms with files in UTF-8, whatever ``charset`` the content type names (RFC 7578 knows none): some are
    no encodings of text, and Django would fail on them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.content_type == "multipart/form-data":
            request.encoding = "utf-8"
        return self.get_response(request)
