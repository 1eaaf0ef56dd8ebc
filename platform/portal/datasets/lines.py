"""Lines of an upload, in bounded memory: however long they are, and however many."""

from collections import deque
from collections.abc import Iterator
from typing import TextIO

from portal.datasets.findings import refuse
from wire.errors import ErrorCode

MAX_VALUE_CHARS = 1_000_000
MAX_LINE_CHARS = 4 * MAX_VALUE_CHARS
SAMPLE_LINES = 200
SAMPLE_CHARS = 1_000_000


class LineTooLong(Exception):
    """A line that is not held; ``start`` is how it begins."""

    def __init__(self, start: str) -> None:
        super().__init__()
        self.start = start


class BoundedLines(Iterator[str]):
    """Lines with their ends, counted; the first ones can be looked at before they are read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._waiting: deque[str | LineTooLong] = deque()
        self.row = 0  # of the line given last
        self.last = ""  # how that line begins

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._read()
        if line is None:
            raise StopIteration
        self.row += 1
        if isinstance(line, LineTooLong):
            raise line
        self.last = line[:400]
        return line

    def peek(self) -> str | None:
        """The line that comes next; None at the end. A header that is too long is refused."""
        if not self._waiting and (line := self._read()) is not None:
            self._waiting.append(line)
        first = self._waiting[0] if self._waiting else None
        if isinstance(first, LineTooLong):
            raise refuse(
                ErrorCode.DATASET_BAD_FORMAT,
                f"Row {self.row + 1} is longer than {MAX_LINE_CHARS:,} characters: this is no table.",
                "Put each text on a row of its own.",
                rows=(self.row + 1,),
            )
        return first

    def drop(self) -> None:
        """Pass over the line that was looked at."""
        self._waiting.popleft()
        self.row += 1

    def sample(self) -> Iterator[str]:
        """The first lines of those that come, within bounds; they are still to be read."""
        while len(self._waiting) < SAMPLE_LINES and sum(map(_length, self._waiting)) < SAMPLE_CHARS:
            line = self._read()
            if line is None:
                break
            self._waiting.append(line)
        return (line for line in tuple(self._waiting) if isinstance(line, str))

    def is_at_end(self) -> bool:
        """Has the last line been given?"""
        if not self._waiting and (line := self._read()) is not None:
            self._waiting.append(line)
        return not self._waiting

    def _read(self) -> str | LineTooLong | None:
        line = self._text.readline(MAX_LINE_CHARS + 1)
        if len(line) <= MAX_LINE_CHARS:
            return line or None
        start = line[:400]
        while line and not line.endswith(("\n", "\r")):
            line = self._text.readline(MAX_VALUE_CHARS)
        return LineTooLong(start)


def _length(line: str | LineTooLong) -> int:
    return len(line) if isinstance(line, str) else 0
