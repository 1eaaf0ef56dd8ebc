"""What the caller is told of what the database refuses to save."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
from django.db import IntegrityError, transaction
from psycopg.errors import Diagnostic, UniqueViolation

from portal.common.errors import PortalError


def unless_taken(error: PortalError) -> AbstractContextManager[None]:
    """Raises ``error``, with nothing saved, where another row has what only one may have."""
    return _told(lambda refusal: error if isinstance(refusal, UniqueViolation) else None)


def unless_refused_by(rule: str, error: Callable[[Diagnostic], PortalError]) -> AbstractContextManager[None]:
    """Raises ``error`` of what it said, with nothing saved, where the trigger that calls itself ``rule``
    refuses."""
    return _told(lambda refusal: error(refusal.diag) if refusal.diag.constraint_name == rule else None)


@contextmanager
def _told(error: Callable[[psycopg.Error], PortalError | None]) -> Iterator[None]:
    """What else the database refuses is no fault of the caller's, as a row without a column that a newer
    release's tables ask for: that is raised as it is."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as exc:
        told = error(exc.__cause__) if isinstance(exc.__cause__, psycopg.Error) else None
        if told is None:
            raise
        raise told from exc
