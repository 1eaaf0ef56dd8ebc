"""Reads a file of JSON lines that a person has given."""

from pathlib import Path
from typing import TypeVar

import msgspec

from hmi.base.errors import InvalidInput

S = TypeVar("S", bound=msgspec.Struct)


def read_json_lines(path: Path, shape: type[S], *, param: str) -> list[S]:
    """One ``shape`` a line; blank lines are passed over. Raises InvalidInput for a file that cannot be read,
    and names the line that is none."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror}", param=param) from exc
    decoder = msgspec.json.Decoder(shape)
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(decoder.decode(line))
        except msgspec.DecodeError as exc:
            raise InvalidInput(f"{path.name}, line {number}: {exc}", param=param) from exc
    return found
