"""Builds the dashboard once for each state of its sources."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.local.folders import ROOT
from portal.local.node import find_node
from portal.local.steps import StepRunner, files_digest

FRONTEND = ROOT / "frontend"
DIST = FRONTEND / "dist"
_NOT_SOURCES = {"node_modules", "dist", "coverage", ".vite"}


@dataclass(frozen=True, slots=True)
class NpmInstall:
    """npm ci, to be run in FRONTEND; afterwards mark_done()."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    inputs: str

    def mark_done(self) -> None:
        _packages_stamp().write_text(self.inputs)


def build_frontend(steps: StepRunner) -> None:
    """npm ci and npm run build, unless frontend/dist was made from these very sources."""
    stamp = DIST / ".built-from"
    sources = sources_digest(FRONTEND)
    if stamp.exists() and stamp.read_text() == sources:
        return
    install = npm_packages()
    if install is not None:
        steps.run("dashboard packages", install.command, install.env, cwd=FRONTEND)
        install.mark_done()
    node = find_node()
    steps.run("dashboard build", (str(node.npm), "run", "build"), node.environment(os.environ), cwd=FRONTEND)
    stamp.write_text(sources)


def npm_packages() -> NpmInstall | None:
    """How to install the packages; None when node_modules was made from this very lock file."""
    inputs = files_digest(FRONTEND, [FRONTEND / "package-lock.json"])
    if _packages_stamp().exists() and _packages_stamp().read_text() == inputs:
        return None
    node = find_node()
    return NpmInstall((str(node.npm), "ci", "--no-audit", "--no-fund"), node.environment(os.environ), inputs)


def sources_digest(frontend: Path) -> str:
    """Of every file that the build reads."""
    files = []
    for folder, folders, names in os.walk(frontend):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        files += [Path(folder, name) for name in names]
    return files_digest(frontend, files)


def _packages_stamp() -> Path:
    return FRONTEND / "node_modules" / ".installed-from"
