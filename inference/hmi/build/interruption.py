"""SIGTERM, as a pause or a cancellation sends it: leave at once, or, amid a training, at its next step."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED_STATUS = 143


class Interruption:
    """Main thread only. Everything on disk is whole at any moment: leaving at once loses only time."""

    def __init__(self) -> None:
        self.is_asked = False
        self._is_deferred = False

    def install(self) -> None:
        """Hear the signal from now on."""
        signal.signal(signal.SIGTERM, self._heard)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Whoever works here looks at ``is_asked`` often, and leaves when it suits best."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False

    def _heard(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True
        if not self._is_deferred:
            sys.exit(INTERRUPTED_STATUS)
