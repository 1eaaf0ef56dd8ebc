"""Where mail goes: to an SMTP server, or into files that the console shows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class MailConfig:
    """Django's mail settings."""

    backend: str
    folder: Path | None = None
    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    is_ssl: bool = False
    is_starttls: bool = False


def mail_config(url: str) -> MailConfig:
    """From ``file:///folder``, ``smtp://user:password@host:port`` (STARTTLS when a user is given) or ``smtps://...``."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return MailConfig(
            backend="django.core.mail.backends.filebased.EmailBackend", folder=Path(unquote(parts.path))
        )
    is_ssl = parts.scheme == "smtps"
    return MailConfig(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname or "",
        port=parts.port or (465 if is_ssl else 25),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_ssl=is_ssl,
        is_starttls=parts.username is not None and not is_ssl,
    )


@dataclass(frozen=True, slots=True)
class MailFile:
    """One file of the mail folder."""

    name: str
    num_bytes: int
    written_at: datetime


def mail_list(folder: Path, *, max_files: int = 200) -> list[MailFile]:
    """The newest files of the mail folder, newest first."""
    if not folder.is_dir():
        return []
    files = [
        MailFile(path.name, path.stat().st_size, datetime.fromtimestamp(path.stat().st_mtime, tz=UTC))
        for path in folder.iterdir()
        if path.is_file() and path.suffix == ".log"
    ]
    return sorted(files, key=lambda file: (file.written_at, file.name), reverse=True)[:max_files]


def mail_read(folder: Path, name: str) -> str | None:
    """Text of one file of the mail folder; None when there is no such file."""
    if name not in {file.name for file in mail_list(folder, max_files=10_000)}:
        return None
    return (folder / name).read_text(encoding="utf-8", errors="replace")
