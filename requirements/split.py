"""Writes portal.lock and inference.lock, the parts of all.lock that the images need; run after all.lock.

The extras' dependencies are followed through the metadata of installed packages, whatever their markers say
of the platform, so that the parts are as universal as the whole.
"""

import re
import sys
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).parent
PARTS = {"portal.lock": ("portal", "s3"), "inference.lock": ("inference", "s3")}
PROJECT = "hmi"


def main() -> None:
    entries = read_lock((FOLDER / "all.lock").read_text())
    for file, extras in PARTS.items():
        (FOLDER / file).write_text(part_of_lock(entries, extras))


def read_lock(text: str) -> "dict[str, str]":
    """Name -> its whole entries, hashes included; a name may have one entry for each marker."""
    entries: dict[str, str] = {}
    for entry in re.split(r"(?m)^(?=[A-Za-z0-9])", text):
        if entry.strip():
            name = canonical(re.split(r"[=\[ ;]", entry, maxsplit=1)[0])
            entries[name] = entries.get(name, "") + entry
    return entries


def part_of_lock(entries: "dict[str, str]", extras: "tuple[str, ...]") -> str:
    """The entries that the project needs with these extras."""
    needed: set[str] = set()
    waiting = [(PROJECT, extra) for extra in ("", *extras)]
    seen = set(waiting)
    while waiting:
        name, extra = waiting.pop()
        needed.add(name)
        for following in requirements_of(name, extra):
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return "".join(entries[name] for name in sorted(entries) if name in needed)


def requirements_of(name: str, extra: str) -> "set[tuple[str, str]]":
    """What ``name`` asks for and with which extras: without any, or ("" is none) with that extra too."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return set()  # of another platform; it is in the lock, and its own needs are in it for others' sake
    found = set()
    for line in lines:
        wanted, _, marker = line.partition(";")
        if re.findall(r"""extra\s*==\s*['"]([^'"]+)""", marker) not in ([], [extra]):
            continue
        match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^]]*)\])?", wanted)
        if match is None:
            sys.exit(f"cannot read what {name} requires: {line}")
        of_it = [part.strip() for part in (match[2] or "").split(",") if part.strip()]
        found |= {(canonical(match[1]), one) for one in ("", *of_it)}
    return found


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
