"""A bar on a terminal; on anything else a line every ten percent."""

from typing import TextIO

WIDTH = 24


class Bar:
    """Shows one piece of work; ``close`` ends its line."""

    def __init__(self, out: TextIO, title: str) -> None:
        self._out = out
        self._title = title
        self._is_terminal = out.isatty()
        self._last = ""

    def show(self, share: float, note: str = "") -> None:
        """``share`` from 0 to 1."""
        share = min(max(share, 0.0), 1.0)
        percent = int(100 * share)
        if self._is_terminal:
            filled = int(WIDTH * share)
            text = f"\r{self._title} [{'#' * filled}{'.' * (WIDTH - filled)}] {percent:3d}% {note}\x1b[K"
        else:
            text = f"{self._title} {percent - percent % 10}%\n"
        if text != self._last:
            self._last = text
            self._out.write(text)
            self._out.flush()

    def close(self) -> None:
        """End the line."""
        if self._is_terminal and self._last:
            self._out.write("\n")
            self._out.flush()
