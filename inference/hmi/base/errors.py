"""The data plane's errors: each carries its wire code and whether trying again can help."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

from wire.errors import CANNOT_WRITE, ErrorCode

FAILED = "something went wrong here; the operator's log has the details under this request id"


class HmiError(Exception):
    """An error that a caller is told about. ``message`` says what to do and holds no text of a tenant."""

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        retryable: bool = False,
        param: str | None = None,
        details: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.param = param
        self.details = details

    @property
    def told(self) -> str:
        """What a tenant is told."""
        return self.message

    def again(self) -> Self:
        """The same for another caller. Each that is raised keeps the frames that it came through, and all
        that these held: one that is kept and raised again would keep those of every caller."""
        again = type(self).__new__(type(self), *self.args)
        again.__dict__.update(self.__dict__)
        return again


class InvalidInput(HmiError):
    """What was given cannot be used; the message says what would be right."""

    def __init__(
        self,
        message: str,
        *,
        code: ErrorCode = ErrorCode.INVALID_FIELD,
        param: str | None = None,
        details: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> None:
        super().__init__(code, message, param=param, details=details)


class NotFound(HmiError):
    """The named thing does not exist, or not for this caller."""

    def __init__(
        self, message: str, *, code: ErrorCode = ErrorCode.NOT_FOUND, param: str | None = None
    ) -> None:
        super().__init__(code, message, param=param)


class AlreadyExists(HmiError):
    """Something else stands where this was to be put."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.ALREADY_EXISTS, message)


class BundleBroken(HmiError):
    """A bundle or table that is not what its checksums say: truncated, changed or half-written."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.BUNDLE_BROKEN, message)


class BundleMismatch(HmiError):
    """An intact bundle that is not the one asked for: other digest, kind, format version or backbone."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.BUNDLE_MISMATCH, message)


class BudgetExceeded(HmiError):
    """A reservation that a byte budget has no room for."""

    def __init__(self, message: str, *, needed_bytes: int, free_bytes: int, retryable: bool = False) -> None:
        super().__init__(ErrorCode.BUDGET_EXCEEDED, message, retryable=retryable)
        self.needed_bytes = needed_bytes
        self.free_bytes = free_bytes


class StoreUnavailable(HmiError):
    """The object store did not answer; trying again can help."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.STORE_UNAVAILABLE, message, retryable=True)


class CannotWrite(StoreUnavailable):
    """A disk is full, or a folder refuses. ``message`` is the operator's: it names the folder."""

    @property
    def told(self) -> str:
        return CANNOT_WRITE


class Failed(HmiError):
    """A bug, or trouble of the machine's. ``message`` is the operator's: it says what was raised."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(ErrorCode.INTERNAL, message, retryable=retryable)

    @property
    def told(self) -> str:
        return FAILED


class QueueFull(HmiError):
    """The waiting queue is at its bound."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(ErrorCode.QUEUE_FULL, message, retryable=True)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(HmiError):
    """The request could not be answered in time."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.DEADLINE_EXCEEDED, message, retryable=True)


class NotReady(HmiError):
    """A part that is needed has not started yet, or is closing."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.NOT_READY, message, retryable=True)
