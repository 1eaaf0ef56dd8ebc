"""How long a training may work, over all the processes that work on it."""

import time
from collections.abc import Callable
from pathlib import Path

from hmi.base.errors import InvalidInput
from hmi.build.checkpoint import write_atomically
from wire.training import TimeLimit, TimeLimitName

NOTE_INTERVAL_S = 5.0


class SpendCap:
    """Counts working seconds, and notes them in the work folder, so that a killed or paused training goes on
    counting where it was: what is lost of the count is what a killed process had not noted. One thread."""

    def __init__(
        self,
        path: Path,
        max_minutes: float | None,
        *,
        limit_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``max_minutes``: as the recipe asks; ``limit_s``: what whoever runs the training allows at most."""
        self._path = path
        self.limit = _lower(max_minutes, limit_s)
        self._monotonic = monotonic
        self._before_s = float(path.read_text()) if path.exists() else 0.0
        self._began = self._noted_at = monotonic()

    @property
    def spent_s(self) -> float:
        """By all processes so far."""
        return self._before_s + self._monotonic() - self._began

    def is_reached(self, *, still_to_come_s: float) -> bool:
        """Would ``still_to_come_s`` more, which evaluating and publishing take, pass the cap? Notes the
        count."""
        if self._monotonic() - self._noted_at >= NOTE_INTERVAL_S:
            self.note()
        return self.limit is not None and self.spent_s + still_to_come_s >= 60 * self.limit.minutes

    def note(self) -> None:
        """For the next process, which counts on from here. Raises OSError."""
        self._noted_at = self._monotonic()
        write_atomically(self._path, repr(self.spent_s).encode())

    def refuse_reached(self) -> None:
        """Raise InvalidInput when the cap is reached before there is anything to keep."""
        if self.limit is None or not self.is_reached(still_to_come_s=0.0):
            return
        minutes = f"{round(self.limit.minutes, 2):g} minutes"
        if self.limit.limit is TimeLimitName.INSTALLATION:
            raise InvalidInput(
                f"the {minutes} that a training may take here were over before its first step: reading the "
                "texts and learning the domain took them all; give fewer rows or fewer max_tokens",
                param="max_tokens",
            )
        raise InvalidInput(
            f"the recipe's max_minutes ({minutes}) were over before the first step of the training: reading "
            "the texts and learning the domain took them all; give more minutes, fewer rows or fewer "
            "max_tokens",
            param="max_minutes",
        )


def _lower(max_minutes: float | None, limit_s: float | None) -> TimeLimit | None:
    """The one that is over first; None: there is neither."""
    limits = [
        *([] if max_minutes is None else [TimeLimit(TimeLimitName.RECIPE, max_minutes)]),
        *([] if limit_s is None else [TimeLimit(TimeLimitName.INSTALLATION, limit_s / 60)]),
    ]
    return min(limits, key=lambda limit: limit.minutes, default=None)
