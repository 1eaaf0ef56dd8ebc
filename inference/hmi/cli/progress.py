"""Progress of a command: JSON lines on stdout for programs, a bar on stderr for people."""

import json
import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

INTERVAL_S = 0.5
BAR_WIDTH = 24


class ReportProgress(Protocol):
    """Called by long work as often as it likes; ``num_steps`` 0 means that the end is not known."""

    def __call__(self, message: str, step: int, num_steps: int) -> None: ...


class JsonProgress:
    """Lines ``{"event": "progress", "message", "step", "num_steps"}``, at most two a second."""

    def __init__(self, out: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic = monotonic
        self._last_s = float("-inf")

    def __call__(self, message: str, step: int, num_steps: int) -> None:
        now = self._monotonic()
        if step < num_steps and now - self._last_s < INTERVAL_S:
            return
        self._last_s = now
        event = {"event": "progress", "message": message, "step": step, "num_steps": num_steps}
        print(json.dumps(event), file=self._out, flush=True)


class BarProgress:
    """A bar on a terminal; on anything else (a log file) a plain line every ten percent."""

    def __init__(self, out: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic = monotonic
        self._last_s = float("-inf")
        self._last_line = ("", -1)

    def __call__(self, message: str, step: int, num_steps: int) -> None:
        share = step / num_steps if num_steps else 0.0
        if self._out.isatty():
            self._draw(message, share, finished=num_steps > 0 and step >= num_steps)
        elif (message, int(share * 10)) != self._last_line:
            self._last_line = (message, int(share * 10))
            print(f"{message}: {share:.0%}", file=self._out, flush=True)

    def _draw(self, message: str, share: float, *, finished: bool) -> None:
        now = self._monotonic()
        if not finished and now - self._last_s < INTERVAL_S:
            return
        self._last_s = now
        filled = int(share * BAR_WIDTH)
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        print(
            f"\r\x1b[K{bar} {share:4.0%}  {message}", end="\n" if finished else "", file=self._out, flush=True
        )


def progress_for(*, as_json: bool) -> ReportProgress:
    """What ``--json`` asks for."""
    return JsonProgress(sys.stdout) if as_json else BarProgress(sys.stderr)
