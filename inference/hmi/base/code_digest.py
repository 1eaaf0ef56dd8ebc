"""Names the data plane's code, so that what one release left half done is not taken for another's."""

import hashlib
from functools import cache
from pathlib import Path

import wire

_PACKAGES = (Path(__file__).parents[1], Path(wire.__path__[0]))


@cache
def code_digest() -> str:
    """SHA-256 of the sources of ``hmi`` and ``wire``, as they are when it is first asked for."""
    whole = hashlib.sha256()
    for package in _PACKAGES:
        for path in sorted(package.rglob("*.py")):
            content = hashlib.sha256(path.read_bytes()).digest()
            whole.update(f"{package.name}/{path.relative_to(package)}\0".encode() + content)
    return whole.hexdigest()
