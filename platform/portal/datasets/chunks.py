"""The chunks of an upload, read as the one file that they are."""

import io
from collections.abc import Callable, Sequence
from typing import BinaryIO


class ChunkedFile(io.RawIOBase):
    """Reads chunks one after the other; at most one is open. Can be taken back to its start, no further."""

    def __init__(self, openers: Sequence[Callable[[], BinaryIO]]) -> None:
        super().__init__()
        self._openers = openers
        self._next = 0
        self._open: BinaryIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Only to the start."""
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only seek(0)")
        self._leave()
        self._next = 0
        return 0

    def readinto(self, buffer: object) -> int:
        """As io.RawIOBase: 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]  # the base class says object-like buffers only
        while True:
            if self._open is None:
                if self._next == len(self._openers):
                    return 0
                self._open = self._openers[self._next]()
                self._next += 1
            data = self._open.read(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
            self._leave()

    def close(self) -> None:
        """Close the open chunk too."""
        self._leave()
        super().close()

    def _leave(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
