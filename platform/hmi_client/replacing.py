"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hmi_client.errors import ClientError


def part_of(out: Path) -> Path:
    """Where ``out`` is written until all of it is there."""
    return out.with_name(out.name + ".part")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A file beside ``out``, part_of() it, that takes its place once all of it is written. Raises
    ClientError."""
    temporary = part_of(out)
    try:
        yield temporary
        temporary.replace(out)
    except OSError as exc:
        raise ClientError(f"{out} cannot be written: {exc.strerror}.") from exc
    finally:
        temporary.unlink(missing_ok=True)
