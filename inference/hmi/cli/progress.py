"""Progress of a command: JSON lines on stdout for programs, a bar on stderr for people."""

import json
import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

INTERVAL_S = 0.5
BAR_WIDTH = 24
MIN_PACE_S = 2.0
"""Of work before a guess is made at how long the rest takes."""


class ReportProgress(Protocol):
    """Called by long work as often as it likes; ``num_steps`` 0 means that the end is not known."""

    def __call__(self, message: str, step: int, num_steps: int) -> None: ...


class _Pace:
    """How long the rest of one message's steps takes, by what was done of them since it was first said."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._began = ("", 0, 0.0)  # message, its first step, when that was

    def left_s(self, message: str, step: int, num_steps: int) -> float | None:
        """None while it is not known. What an earlier attempt had done does not count."""
        if message != self._began[0]:
            self._began = (message, step, self._monotonic())
        _, first, began_s = self._began
        passed_s = self._monotonic() - began_s
        if step <= first or step >= num_steps or passed_s < MIN_PACE_S:
            return None
        return passed_s * (num_steps - step) / (step - first)


class JsonProgress:
    """Lines ``{"event": "progress", "message", "step", "num_steps", "eta_s"}``, at most two a second.

    ``eta_s`` is of this message's steps, null while it is not known.
    """

    def __init__(self, out: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic = monotonic
        self._last_s = float("-inf")
        self._pace = _Pace(monotonic)

    def __call__(self, message: str, step: int, num_steps: int) -> None:
        left_s = self._pace.left_s(message, step, num_steps)
        now = self._monotonic()
        if step < num_steps and now - self._last_s < INTERVAL_S:
            return
        self._last_s = now
        event = {
            "event": "progress",
            "message": message,
            "step": step,
            "num_steps": num_steps,
            "eta_s": None if left_s is None else round(left_s, 1),
        }
        print(json.dumps(event), file=self._out, flush=True)


class BarProgress:
    """A bar on a terminal; on anything else (a log file) a plain line every ten percent."""

    def __init__(self, out: TextIO, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._monotonic = monotonic
        self._last_s = float("-inf")
        self._last_line = ("", -1)
        self._pace = _Pace(monotonic)

    def __call__(self, message: str, step: int, num_steps: int) -> None:
        share = step / num_steps if num_steps else 0.0
        left = _in_words(self._pace.left_s(message, step, num_steps))
        if self._out.isatty():
            self._draw(message, share, left, finished=num_steps > 0 and step >= num_steps)
        elif (message, int(share * 10)) != self._last_line:
            self._last_line = (message, int(share * 10))
            print(f"{message}: {share:.0%}{left}", file=self._out, flush=True)

    def _draw(self, message: str, share: float, left: str, *, finished: bool) -> None:
        now = self._monotonic()
        if not finished and now - self._last_s < INTERVAL_S:
            return
        self._last_s = now
        filled = int(share * BAR_WIDTH)
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        print(
            f"\r\x1b[K{bar} {share:4.0%}  {message}{left}",
            end="\n" if finished else "",
            file=self._out,
            flush=True,
        )


def _in_words(left_s: float | None) -> str:
    if left_s is None:
        return ""
    left = round(left_s)
    return f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"


def progress_for(*, as_json: bool) -> ReportProgress:
    """What ``--json`` asks for."""
    return JsonProgress(sys.stdout) if as_json else BarProgress(sys.stderr)
