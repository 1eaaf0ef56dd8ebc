"""What the store will not delete: others are deleted all the same, and the operator is told of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog

from portal.common.store import ObjectStore, StoreUnavailable

_log = structlog.get_logger("portal.domains")


class Refusals:
    """Those of one round; the next one tries them again."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._uris: set[str] = set()

    @contextmanager
    def passed_over(self, what: str) -> Iterator[None]:
        """Ends the block where the store refuses what it asks for. Raises StoreUnavailable where the store
        does not answer at all: it would refuse all that comes after."""
        try:
            yield
        except StoreUnavailable as exc:
            self._store.names("tenants")
            self._uris.add(exc.uri)
            _log.error("store.not_deleted", what=what, uri=exc.uri, reason=str(exc.__cause__))

    def may_hold_text_of(self, tenant_id: UUID) -> bool:
        """Whether something was refused that the tenant's text may be in: its own, or of a shared domain."""
        own = f"tenants/{tenant_id}"
        return any(uri == own or uri.startswith((f"{own}/", "domains/")) for uri in self._uris)
