"""Finds a browser for the tests: the machine's, else a package's, else one that apt installs."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
MAC_PROGRAMS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
OPTIONS = (
    "--headless",
    "--no-sandbox",  # as root there is none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
"""A browser that shows nothing and calls nobody."""

PROBE_TIMEOUT_S = 60.0
INSTALL_TIMEOUT_S = 600.0


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium that starts; ``version`` as it says itself."""

    program: Path
    version: str


@dataclass(frozen=True, slots=True)
class NoBrowser:
    """What was tried, for the line with which tests are skipped."""

    reason: str


def find_browser(
    *, path: str | None = None, playwright_folder: Path | None = None, may_install: bool = True
) -> Browser | NoBrowser:
    """The first that starts, on ``path`` (the environment's) or among playwright's. With ``may_install``,
    root on Debian or Ubuntu installs one when there is none."""
    candidates = [Path(found) for name in NAMES if (found := shutil.which(name, path=path))]
    candidates += [program for program in MAC_PROGRAMS if program.exists()]
    candidates += _of_playwright(playwright_folder or _playwright_folder())
    for program in candidates:
        version = _version(program)
        if version:
            return Browser(program, version)
    problem = _install() if may_install else "installing one was not asked for"
    installed = shutil.which("chromium") if problem is None else None
    if installed and (version := _version(Path(installed))):
        return Browser(Path(installed), version)
    tried = ", ".join(map(str, candidates)) or "none on the path, none of playwright's"
    return NoBrowser(f"no browser that starts ({tried}); {problem or 'the one installed does not start'}")


def _playwright_folder() -> Path:
    cache = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / cache / "ms-playwright")


def _of_playwright(folder: Path) -> list[Path]:
    """Those that the declared package playwright was told to download (playwright install chromium)."""
    patterns = (
        "chromium*/chrome-*/chrome",
        "chromium*/chrome-*/*headless*shell*",
        "chromium*/chrome-*/*.app/Contents/MacOS/*",
    )
    return sorted(
        program for pattern in patterns for program in folder.glob(pattern) if os.access(program, os.X_OK)
    )


def _version(program: Path) -> str:
    """Empty when it does not start: a launcher can be there without its browser."""
    try:
        shown = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return shown.stdout.strip() if shown.returncode == 0 else ""


def _install() -> str | None:
    """Install Chromium with apt; why that cannot be, or None."""
    apt = shutil.which("apt-get")
    if apt is None:
        return "no apt-get to install one with: install Chromium or Chrome by hand"
    if os.geteuid() != 0:
        return "only root can install one: apt-get install chromium"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (("update",), ("install", "-y", "--no-install-recommends", "chromium")):
        try:
            done = subprocess.run(
                [apt, *arguments],
                capture_output=True,
                text=True,
                timeout=INSTALL_TIMEOUT_S,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"apt-get {arguments[0]} took longer than {INSTALL_TIMEOUT_S:.0f} s"
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            return f"apt-get {arguments[0]} failed: {last[0]}"
    return None
