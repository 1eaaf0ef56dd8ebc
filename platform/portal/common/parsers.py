"""How bodies are read."""

from collections.abc import Mapping
from typing import IO, Any

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
