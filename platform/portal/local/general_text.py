"""Which texts the root of the PLOT tree learns from."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portal.local.errors import InstallationError
from portal.local.folders import Folders, replace_file
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


def texts_digest(texts: Sequence[Path]) -> str:
    """Changes when a file is added, removed or rewritten; contents are not read."""
    parts = []
    for path in texts:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            status = file.stat()
            parts += [str(file), str(status.st_size), str(status.st_mtime_ns)]
    return digest(*parts)


def windows_of(texts: Sequence[Path], demo_text: Path) -> tuple[str, ...]:
    """Of the demo's texts as much is counted as its training reads, so that a first start stays short."""
    return ("--max-windows", "1") if list(texts) == [demo_text] else ()


def general_tree_arguments(
    backbone: Mapping[str, Any], texts: Sequence[Path], demo_text: Path, *, max_node_mb: int | None = None
) -> tuple[str, ...]:
    """Of ``python -m hmi.cli``: build the general tree of these texts, at a place that is theirs alone."""
    budget = () if max_node_mb is None else ("--max-node-mb", str(max_node_mb))
    options = (*windows_of(texts, demo_text), *budget)
    place = digest(backbone["digest"], texts_digest(texts), *options)
    return (
        *("plot", "build", "--domain", "general", "--tree-uri", f"trees/general-{place[:16]}"),
        *("--backbone-uri", backbone["uri"], "--backbone-digest", backbone["digest"]),
        *(option for text in texts for option in ("--text", str(text))),
        *options,
    )


def given_texts(folders: Folders) -> list[Path]:
    """What ./hmi plot build was given for the general domain so far."""
    try:
        given = json.loads(_given(folders).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Path(text) for text in given]


def note_given_texts(folders: Folders, texts: Sequence[Path]) -> None:
    """From now on these are the ones."""
    replace_file(_given(folders), json.dumps([str(text) for text in texts], indent=1))


def general_tree_file(folders: Folders) -> Path:
    """Where the description of the general tree is kept that was built last: ./hmi up registers that one."""
    return folders.cache / "general-PLOT.json"


def coverage_in_words(coverage: Mapping[str, Any]) -> str:
    """Which share of held-out tokens each rung answers."""
    if not coverage.get("num_tokens"):
        return "every token by a unigram (there is no general text; see HMI_GENERAL_TEXT)"
    shares = ", ".join(f"{coverage[rung]:.0%} by a {rung}" for rung in ("trigram", "bigram", "unigram"))
    return f"{shares} (of {coverage['num_tokens']} tokens in {coverage['num_texts']} texts held out)"


def _given(folders: Folders) -> Path:
    return folders.cache / "general-texts.json"
