"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmi_client.errors import ClientError


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A file beside ``out`` that takes its place once all of it is written. Raises ClientError."""
    temporary = out.with_name(out.name + ".part")
    try:
        yield temporary
        temporary.replace(out)
    except OSError as exc:
        raise ClientError(f"{out} cannot be written: {exc.strerror}.") from exc
    finally:
        temporary.unlink(missing_ok=True)
