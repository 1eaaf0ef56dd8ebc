"""What ./hmi up was asked for, from the command line or the environment."""

from dataclasses import dataclass
from pathlib import Path

from portal.local.folders import Folders
from portal.local.ports import Ports


@dataclass(frozen=True, slots=True)
class UpOptions:
    """One start."""

    folders: Folders
    ports: Ports
    host: str
    with_demo: bool
    num_lower: str  # as it was given; "" where it was not


def shown(path: Path) -> str:
    """``path`` as a person in the current folder would type it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
