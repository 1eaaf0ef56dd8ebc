"""What the database says when a tenant would store more than it may."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
from django.db import IntegrityError, transaction

from portal.common.errors import PortalError
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


@contextmanager
def storage_limit() -> Iterator[None]:
    """Raises StorageFull where what is saved meanwhile is more than its tenant may store."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as exc:
        said = exc.__cause__.diag if isinstance(exc.__cause__, psycopg.errors.CheckViolation) else None
        if said is None or said.constraint_name != _RULE:
            raise
        num_bytes, max_bytes = (int(number) for number in str(said.message_detail).split(" of "))
        raise StorageFull(num_bytes, max_bytes) from exc
