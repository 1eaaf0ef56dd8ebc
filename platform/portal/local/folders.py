"""Where the embedded installation keeps what: the folder var and the source tree."""

import os
from dataclasses import dataclass
from pathlib import Path

from portal.local.errors import InstallationError

ROOT = Path(__file__).resolve().parents[3]
"""The source tree: holds manage.py, docker/Caddyfile, frontend/."""


def replace_file(file: Path, text: str) -> None:
    """Write ``file`` in one step: it is whole, or as it was."""
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text)
    partial.replace(file)


@dataclass(frozen=True, slots=True)
class Folders:
    """Places below ``var``, an absolute path."""

    var: Path

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def store(self) -> Path:
        return self.var / "store"

    @property
    def mail(self) -> Path:
        return self.var / "mail"

    @property
    def logs(self) -> Path:
        return self.var / "logs"

    @property
    def run(self) -> Path:
        return self.var / "run"

    @property
    def secrets(self) -> Path:
        return self.var / "secrets"

    @property
    def cache(self) -> Path:
        return self.var / "cache"

    @property
    def work(self) -> Path:
        return self.var / "work"

    def make(self) -> None:
        """Make them all; var/secrets, var/mail, var/store and var/work are closed to other users."""
        try:
            self.var.mkdir(parents=True, exist_ok=True)
            for folder in (self.postgres, self.logs, self.run, self.cache):
                folder.mkdir(exist_ok=True)
            for folder in (self.secrets, self.valkey, self.store, self.mail, self.work):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
        except OSError as exc:
            raise InstallationError(
                f"cannot write in {self.var} ({exc.strerror}): choose another folder with --var."
            ) from exc
        if not os.access(self.var, os.W_OK | os.X_OK):
            raise InstallationError(f"cannot write in {self.var}: choose another folder with --var.")
