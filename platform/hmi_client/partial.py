"""What has come of a large file, to be gone on with over the next connection, by whichever program."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmi_client.errors import ClientError


class Partial:
    """The beginning of a file, in ``out``. Beside it stands the entity tag of the whole, by which the
    platform tells whether it still has the same one: without a tag there is nothing to go on with.

    That ``out`` cannot be written is no fault of the connection, and asking again would not help: then
    ClientError is raised.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._tag_file = out.with_name(out.name + ".etag")

    @property
    def num_bytes(self) -> int:
        """That need not come again."""
        return self._out.stat().st_size if self._out.exists() and self._tag_file.exists() else 0

    @property
    def headers(self) -> dict[str, str]:
        """To ask for the rest, or for the whole where that has changed since."""
        if not self.num_bytes:
            return {}
        return {"Range": f"bytes={self.num_bytes}-", "If-Range": self._tag_file.read_text("ascii")}

    def begin(self, tag: str) -> None:
        """With the first byte; without a tag that says that all bytes are the same, for this time alone."""
        with self._writing():
            self.settle()
            self._out.write_bytes(b"")
            if tag.startswith('"'):
                self._tag_file.write_text(tag, "ascii")

    def add(self, pieces: Iterator[bytes]) -> Iterator[int]:
        """Behind what there is; how large it is after each piece."""
        with self._writing():
            file = self._out.open("ab")
        try:
            for piece in pieces:
                with self._writing():
                    file.write(piece)
                yield file.tell()
        finally:
            with self._writing():
                file.close()

    def settle(self) -> None:
        """There is nothing to go on with: all has come, or what there is is of no use."""
        self._tag_file.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise ClientError(f"{self._out} cannot be written: {exc.strerror}.") from exc
