"""Deletes local copies of bundles that no longer stand in a remote store.

The jobs' own part is hmi.artifacts.store, which keeps them, and drops such copies itself when a job begins.
"""

import shutil
from contextlib import suppress
from pathlib import Path

from portal.common.store import ObjectStore
from wire.artifacts import COPY_NOTE, MANIFEST_FILE


def copies_sweep(root: Path, store: ObjectStore) -> None:
    """Delete the copies under ``root`` of what was deleted, such as trees with text that is forgotten. A job
    that reads one begins anew. Raises StoreUnavailable."""
    for note in root.glob(f"*{COPY_NOTE}"):
        with suppress(FileNotFoundError):  # a job was quicker
            if not _stands(note.read_text(encoding="utf-8", errors="replace"), store):
                shutil.rmtree(note.with_suffix(""), ignore_errors=True)
                note.unlink()


def _stands(note: str, store: ObjectStore) -> bool:
    uri = note.partition("\n")[0]
    try:
        return bool(uri) and store.exists(f"{uri}/{MANIFEST_FILE}")
    except ValueError:  # a note that was written in part names no place
        return False
