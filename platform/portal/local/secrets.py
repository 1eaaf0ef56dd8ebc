"""Generated secrets of the embedded installation: one file each, readable by the owner alone, made once."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

NUM_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Passwords and keys; never printed, and handed only to the programs that need them."""

    secret_key: str
    operator_password: str
    database_admin: str
    database_owner: str
    database_portal: str
    database_serving: str
    database_usage: str
    broker: str


def load_secrets(folder: Path) -> Secrets:
    """Those in ``folder``; what is missing is generated and written there first."""
    return Secrets(
        secret_key=_load(folder / "secret_key"),
        operator_password=_load(folder / "operator_password", num_bytes=15),  # typed by people: 20 characters
        database_admin=_load(folder / "database_admin"),
        database_owner=_load(folder / "database_owner"),
        database_portal=_load(folder / "database_portal"),
        database_serving=_load(folder / "database_serving"),
        database_usage=_load(folder / "database_usage"),
        broker=_load(folder / "broker"),
    )


def write_secret(file: Path, text: str) -> None:
    """Write ``file`` with mode 0600 in one step: it is never there half-written, nor readable by others."""
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())
    partial.rename(file)


def _load(file: Path, *, num_bytes: int = NUM_BYTES) -> str:
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        write_secret(file, secrets.token_urlsafe(num_bytes))
        return file.read_text().strip()
