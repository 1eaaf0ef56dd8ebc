"""The unprivileged user that PostgreSQL runs as when we are root, since it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import InstallationError

CANDIDATES = ("postgres", "nobody", "daemon", "www-data")


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine."""

    name: str
    uid: int
    gid: int


def unprivileged_user() -> User | None:
    """None when we are not root; else an existing user without rights, or InstallationError."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return User(name, entry.pw_uid, entry.pw_gid)
    raise InstallationError(
        "PostgreSQL does not run as root, and none of the users " + ", ".join(CANDIDATES) + " exists here. "
        "Add one (useradd --system postgres) or start ./hmi as a normal user."
    )


def can_enter(user: User, folder: Path) -> bool:
    """True when ``user`` may pass through ``folder`` and all above it; the kernel is asked, so ACLs count."""
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
    tried = subprocess.run(test, cwd="/", user=user.uid, group=user.gid, extra_groups=[], check=False)
    return tried.returncode == 0


def give(folder: Path, user: User | None) -> None:
    """Make ``folder`` and everything in it the property of ``user`` (None: ours already)."""
    if user is None:
        return
    os.chown(folder, user.uid, user.gid)
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            os.chown(Path(parent) / name, user.uid, user.gid, follow_symlinks=False)
