"""Errors that the portal answers: each has a code of wire.errors, and a message that says what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

from wire.errors import HTTP_STATUS, ErrorCode


class PortalError(Exception):
    """Raised by services and selectors; common.exception_handler turns it into an answer."""

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode,
        param: str | None = None,
        details: Mapping[str, Any] | Sequence[Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param
        self.details = details
        self.retry_after_s = retry_after_s

    @property
    def status(self) -> int:
        """HTTP status of the answer."""
        return HTTP_STATUS[self.code]


class NotFound(PortalError):
    """There is no such thing, or it is another tenant's: the two look the same."""

    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what} here.", code=ErrorCode.NOT_FOUND)


class Forbidden(PortalError):
    """The caller is known, and may not do this."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.FORBIDDEN)


class InvalidField(PortalError):
    """A field of the request has a value that cannot be used."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message, code=ErrorCode.INVALID_FIELD, param=param)


class AlreadyExists(PortalError):
    """Something of this name is there."""

    def __init__(self, param: str, message: str) -> None:
        super().__init__(message, code=ErrorCode.ALREADY_EXISTS, param=param)


class Conflict(PortalError):
    """The state of things does not allow this now."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.CONFLICT)


class InUse(PortalError):
    """Something that is at work needs it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code=ErrorCode.IN_USE)
