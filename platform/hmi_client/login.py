"""The address and key that ``hmi-client login`` keeps: one file, readable by its owner alone."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hmi_client.errors import ClientError


@dataclass(frozen=True, slots=True)
class Login:
    """Where to call, for which tenant, with which key."""

    url: str
    tenant: str
    key: str


def login_file(environ: Mapping[str, str]) -> Path:
    """``hmi/client.json`` in the user's folder of configuration."""
    folder = environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "hmi" / "client.json"


def login_save(file: Path, login: Login) -> None:
    """Write it at once or not at all. Raises ClientError where it cannot be written."""
    try:
        _write(file, login)
    except OSError as exc:
        raise ClientError(f"{file} cannot be written: {exc.strerror}.") from exc


def _write(file: Path, login: Login) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = file.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump(asdict(login), opened)
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)


def login_read(file: Path) -> Login:
    """What was saved. Raises ClientError when nothing was."""
    try:
        return Login(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise ClientError("Log in first: hmi-client login --url URL --tenant TENANT") from exc
    except (OSError, ValueError, TypeError) as exc:
        raise ClientError(f"{file} cannot be read: log in again.") from exc
