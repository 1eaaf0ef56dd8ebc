"""Which texts the root of the PLOT tree learns from."""

import os
from collections.abc import Mapping
from pathlib import Path

from portal.local.errors import InstallationError
from portal.local.steps import digest

SETTING = "HMI_GENERAL_TEXT"


def general_texts(environ: Mapping[str, str], demo_text: Path) -> list[Path]:
    """The demo's training texts, where they have been made, and what HMI_GENERAL_TEXT names: folders or
    files, separated as in PATH."""
    named = [
        Path(part).expanduser().absolute() for part in environ.get(SETTING, "").split(os.pathsep) if part
    ]
    for path in named:
        if not path.exists():
            raise InstallationError(f"{SETTING} names {path}, which does not exist")
    return [*([demo_text] if demo_text.exists() else []), *named]


def texts_digest(texts: list[Path]) -> str:
    """Changes when a file is added, removed or rewritten; contents are not read."""
    parts = []
    for path in texts:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            status = file.stat()
            parts += [str(file), str(status.st_size), str(status.st_mtime_ns)]
    return digest(*parts)
