"""How many of the backbone's layers PLOT replaces: chosen when an installation is made, and kept."""

import json
from pathlib import Path

from portal.local.errors import InstallationError

SETTING = "HMI_NUM_LOWER"
NUM_LAYERS = 6
DEFAULT_NUM_LOWER = 1
"""What the data plane settles for this backbone."""
_URI = "backbones/minilm-k"


def backbone_uri(num_lower: int) -> str:
    """Where the backbone with so many looked-up layers stands in the store."""
    return f"{_URI}{num_lower}"


def checked(named: str) -> str:
    """``named``, if it is nothing or a depth that the backbone can have; else raises InstallationError."""
    if named and named not in {str(depth) for depth in range(1, NUM_LAYERS)}:
        raise InstallationError(f"{SETTING} is {named!r}; give a number from 1 to {NUM_LAYERS - 1}")
    return named


def num_lower(named: str, *, described: Path, store: Path) -> int:
    """What the installation has, else what was ``named`` ("": nothing), else the default.

    Every adapter and PLOT tree is bound to the installation's backbone: ``described`` is its description,
    where one has been prepared, and where that was deleted with var/cache, the backbone still stands in
    ``store``. Raises InstallationError for another depth than that one's, and for a depth that the backbone
    cannot have.
    """
    named = checked(named)
    standing = _depths(described, store)
    if not standing:
        return int(named or DEFAULT_NUM_LOWER)
    if not named and len(standing) > 1:
        raise InstallationError(
            f"backbones that look {' and '.join(map(str, standing))} of {NUM_LAYERS} layers up stand in the "
            f"store: name with --num-lower, or {SETTING}, the one that this installation was made with"
        )
    if named and int(named) not in standing:
        raise InstallationError(
            f"{SETTING} is {named}, and this installation looks {standing[0]} of {NUM_LAYERS} layers up: its "
            f"adapters and PLOT trees are bound to that. Leave {SETTING} out, or begin another installation "
            "with another --var"
        )
    return int(named or standing[0])


def _depths(described: Path, store: Path) -> list[int]:
    if described.exists():
        uri: str = json.loads(described.read_text())["uri"]
        return [int(uri.removeprefix(_URI))]
    return [depth for depth in range(1, NUM_LAYERS) if (store / backbone_uri(depth)).is_dir()]
