"""Checks an archive of a version to predict offline: is all there, and every byte as it was published?"""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

from hmi_client.errors import ClientError

LAST = "hplm.json"
"""What is where; the platform writes it when all else is in the archive."""
PARITY = "offline.json"
MANIFEST = "manifest.json"
PARTS = ("store/version", "store/backbone")
_PIECE_BYTES = 1 << 20


def check_offline(file: Path) -> dict[str, Any] | None:
    """How far its answers are from those served, as offline.json says; None where it was not measured.

    Raises ClientError for a file that is not the whole of such an archive, or holds other bytes than the
    manifests in it say.
    """
    try:
        with tarfile.open(file, "r:") as archive:
            members = {member.name: member for member in archive.getmembers() if member.isfile()}
            if LAST not in members:
                raise ClientError(f"the archive ends before {LAST}")
            for part in PARTS:
                for name, entry in _json(archive, f"{part}/{MANIFEST}")["files"].items():
                    found = _sha256(archive, f"{part}/{name}")
                    if found != entry["sha256"]:
                        raise ClientError(f"{part}/{name} has other bytes than its manifest says")
            parity: dict[str, Any] | None = _json(archive, PARITY)
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError, EOFError) as exc:
        raise ClientError(f"what came is no archive to predict offline: {exc}") from exc
    return parity


def _json(archive: tarfile.TarFile, name: str) -> Any:
    file = archive.extractfile(name)
    assert file is not None, "links are no files"
    return json.loads(file.read())


def _sha256(archive: tarfile.TarFile, name: str) -> str:
    file = archive.extractfile(name)
    found = hashlib.sha256()
    while file is not None and (piece := file.read(_PIECE_BYTES)):
        found.update(piece)
    return found.hexdigest()
