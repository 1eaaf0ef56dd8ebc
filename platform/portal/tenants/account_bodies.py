"""What is sent to allauth's addresses: it fails on bodies that it cannot read, or answers without a word."""

from collections.abc import Callable

import msgspec
from django.http import HttpRequest, HttpResponse

from portal.common.errors import PortalError
from portal.common.exception_handler import answer
from wire.errors import ErrorCode

ACCOUNTS_PATH = "/_allauth/"


class AccountBodiesMiddleware:
    """Lets a JSON object through, or no body; before the CSRF check, which takes a form to pieces."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(ACCOUNTS_PATH) and request.body and not _is_object(request.body):
            return answer(
                PortalError(
                    "The body must be a JSON object in UTF-8, such as"
                    ' {"email": "ada@example.com", "password": "..."}.',
                    code=ErrorCode.MALFORMED_BODY,
                )
            )
        return self.get_response(request)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(body), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
