"""Whether the service can answer, and what is missing when it cannot."""

from dataclasses import dataclass

from hmi.base.errors import HmiError
from hmi.service.catalog_reader import CatalogReader
from hmi.service.plane import PlaneHolder


@dataclass(frozen=True, slots=True)
class Check:
    """One part: ``is_ok`` False does not always mean that nothing can be answered."""

    is_ok: bool
    message: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Body of /readyz."""

    status: str  # "ready" or "not_ready"
    checks: dict[str, Check]


class Health:
    """Asks the parts. ``is_draining`` is set when the service was told to end."""

    def __init__(self, reader: CatalogReader, planes: PlaneHolder) -> None:
        self._reader = reader
        self._planes = planes
        self.is_draining = False

    @property
    def is_stuck(self) -> bool:
        """Whether what computes would not end when the service did."""
        return self._planes.is_stuck

    def report(self) -> HealthReport:
        catalog_error = self._catalog_error()
        checks = {
            "process": Check(not self.is_draining, "draining" if self.is_draining else "running"),
            "catalog": Check(
                catalog_error is None, catalog_error or f"read {self._reader.age_s():.1f} s ago"
            ),
            # Away, but read not long ago: what is known is still served.
            "database": Check(
                self._reader.is_connected, "connected" if self._reader.is_connected else self._reader.problem
            ),
            "backbone": self._backbone(),
            # Without it, look-ups answer as far as they go, and say so: one tenant's wish stops nobody.
            "exact_path": Check(
                not self._planes.exact_path_problem, self._planes.exact_path_problem or "as tasks ask for it"
            ),
        }
        needed = ("process", "catalog", "backbone")
        is_ready = all(checks[name].is_ok for name in needed)
        return HealthReport("ready" if is_ready else "not_ready", checks)

    def _catalog_error(self) -> str | None:
        try:
            self._reader.current()
        except HmiError as error:
            return error.message
        return None

    def _backbone(self) -> Check:
        if not self._planes.is_open:
            return Check(False, self._planes.problem)
        if not self._planes.current().is_running:
            return Check(False, "the engine is not running")
        return Check(True, "open")
