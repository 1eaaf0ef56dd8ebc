"""What the database says when a tenant would store more than it may."""

from contextlib import AbstractContextManager

from psycopg.errors import Diagnostic

from portal.common.errors import PortalError
from portal.common.refusals import unless_refused_by
from wire.errors import ErrorCode

_RULE = "storage_limit"  # a trigger of the usage app


class StorageFull(PortalError):
    """It would be more than the tenant's plan allows."""

    def __init__(self, num_bytes: int, max_bytes: int) -> None:
        super().__init__(
            f"With this, {num_bytes:,} bytes would be stored, and {max_bytes:,} may be: delete datasets, or"
            " versions of them, that nobody needs any more, or ask the operator for more.",
            code=ErrorCode.STORAGE_FULL,
            details={"stored_bytes": num_bytes, "max_stored_bytes": max_bytes},
        )


def storage_limit() -> AbstractContextManager[None]:
    """Raises StorageFull where what is saved meanwhile is more than its tenant may store."""
    return unless_refused_by(_RULE, _storage_full)


def _storage_full(said: Diagnostic) -> StorageFull:
    num_bytes, max_bytes = (int(number) for number in str(said.message_detail).split(" of "))
    return StorageFull(num_bytes, max_bytes)
