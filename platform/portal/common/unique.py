"""What the caller is told who would save what another row has already."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from psycopg.errors import UniqueViolation

from portal.common.errors import PortalError


@contextmanager
def unless_taken(error: PortalError) -> Iterator[None]:
    """Raises ``error``, with nothing saved, where another row has what only one may have.

    What else the database refuses is no fault of the caller's, as a row without a column that a newer
    release's tables ask for.
    """
    try:
        with transaction.atomic():
            yield
    except IntegrityError as exc:
        if not isinstance(exc.__cause__, UniqueViolation):
            raise
        raise error from exc
