"""What the person at the terminal sees: a line with its time for each step, and what is under way."""

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

REMINDER_S = 15.0  # without a terminal: how often a long step says that it goes on
BAR_WIDTH = 20


class Console:
    """Thread-safe; steps may run side by side. What cannot be written is lost: that a terminal was closed, or
    a disk is full, stops nothing."""

    def __init__(self, out: TextIO | None = None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._out = sys.stdout if out is None else out
        self._is_terminal = self._out.isatty()
        self._monotonic = monotonic
        self._start_s = monotonic()
        self._lock = threading.Lock()
        self._running: dict[str, str] = {}
        self._last_said_s: dict[str, float] = {}

    def say(self, text: str = "") -> None:
        """Print lines that stay."""
        with self._lock:
            self._write(text)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """A step that takes time: call what this yields with a few words whenever there is news."""
        began_s = self._monotonic()
        self._update(name, "")
        try:
            yield lambda news: self._update(name, news)
        except BaseException:
            self._forget(name)
            raise
        news = self._forget(name)
        self.say(f"  {name:<34} {self._monotonic() - began_s:6.1f} s  {news}".rstrip())

    @property
    def elapsed_s(self) -> float:
        """Since the program's start."""
        return self._monotonic() - self._start_s

    def _update(self, name: str, news: str) -> None:
        with self._lock:
            self._running[name] = news
            if self._is_terminal:
                self._write(None)
            elif self._monotonic() - self._last_said_s.get(name, self._monotonic()) >= REMINDER_S:
                self._last_said_s[name] = self._monotonic()
                self._write(f"  ... {name}: {news}" if news else f"  ... {name}")
            else:
                self._last_said_s.setdefault(name, self._monotonic())

    def _forget(self, name: str) -> str:
        with self._lock:
            self._last_said_s.pop(name, None)
            return self._running.pop(name, "")

    def _write(self, text: str | None) -> None:
        with contextlib.suppress(OSError):
            self._write_out(text)

    def _write_out(self, text: str | None) -> None:
        if self._is_terminal:
            self._out.write("\r\x1b[K")
        if text is not None:
            self._out.write(text + "\n")
        if self._is_terminal and self._running:
            parts = [f"{name}: {news}" if news else name for name, news in self._running.items()]
            self._out.write(f"  {self.elapsed_s:.0f} s  {' | '.join(parts)}"[:110])
        self._out.flush()


class ConsoleHandler(logging.Handler):
    """Shows what is logged between the lines of the steps."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler."""
        self._console.say(f"  {self.format(record)}")


def bar(step: int, num_steps: int) -> str:
    """A share as a bar and a percentage; empty when the end is not known."""
    if num_steps <= 0:
        return ""
    share = min(1.0, step / num_steps)
    filled = int(share * BAR_WIDTH)
    return "[" + "#" * filled + "." * (BAR_WIDTH - filled) + f"] {share:4.0%}"
