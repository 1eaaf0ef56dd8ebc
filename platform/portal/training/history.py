"""Which progress lines are worth a row: a curve needs few points, a watcher a fresh one."""

from wire.training import Progress

MIN_GAP_S = 1.0


class HistoryThinner:
    """Keeps at most one line a second, and every validation and every new phase."""

    def __init__(self) -> None:
        self._last: Progress | None = None
        self._last_at = 0.0

    def is_kept(self, progress: Progress, now: float) -> bool:
        """Judge the next line; ``now`` is monotonic."""
        last = self._last
        is_kept = (
            last is None
            or progress.phase != last.phase
            or progress.validation_accuracy != last.validation_accuracy
            or now - self._last_at >= MIN_GAP_S
        )
        if is_kept:
            self._last, self._last_at = progress, now
        return is_kept
