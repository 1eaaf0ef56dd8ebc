"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Starts at 0 s and at 2026-01-01; implements hmi.base.clock.Clock."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0

    def monotonic(self) -> float:
        return self._elapsed_s

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._elapsed_s)

    def advance(self, seconds: float) -> None:
        assert seconds >= 0, "time does not go back"
        self._elapsed_s += seconds
