"""The portal's settings from the environment: typed, checked, and printed with secrets masked."""

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import fsspec
from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wire.connections import VANISHED
from wire.settings import PREFIX, problem_in_words, refuse_unknown
from wire.training import BUILD_MEMORY_BYTES, LEAST_TRAINING_BYTES, TRAINING_BYTES


class PortalSettings(BaseSettings):
    """One value a name of wire.settings that the portal or its worker reads. Meanings: docs/operations.md."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )  # the input may be a password

    store_url: str = "file:///var/lib/hmi/store"
    database_url: SecretStr = SecretStr("postgresql://hmi_portal@127.0.0.1:5432/hmi")
    database_owner_url: SecretStr | None = None  # migrations only
    database_admin_url: SecretStr | None = None  # manage.py database_prepare only
    catalog_url: SecretStr | None = None  # likewise: names the service's roles
    usage_url: SecretStr | None = None
    broker_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    public_url: str = "http://127.0.0.1:8400"
    allowed_hosts: str = ""
    secret_key: SecretStr = SecretStr("")  # Django refuses to start a session without one
    debug: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    mail_url: SecretStr = SecretStr("file:///var/lib/hmi/mail")
    mail_from: str = "hmi@localhost"
    email_verification: Literal["optional", "mandatory"] = "optional"
    webhooks_private: bool = False
    api_requests_per_minute: int = Field(default=600, gt=0)
    usage_events_days: int = Field(default=90, gt=0)
    work_dir: Path = Path("/var/lib/hmi/work")
    frontend_dir: Path | None = None  # the built dashboard; none: the API and the console alone
    service_url: str | None = None
    max_upload_bytes: ByteSize = Field(default=ByteSize(209_715_200), gt=0)
    max_upload_rows: int = Field(default=200_000, gt=0)
    training_python: str = sys.executable
    training_lease_s: float = Field(default=20.0, gt=0)
    training_max_attempts: int = Field(default=5, gt=0)
    training_threads: int | None = Field(default=None, gt=0)  # none: as many as the trainer finds
    training_memory_bytes: ByteSize = Field(default=ByteSize(TRAINING_BYTES), gt=0)
    training_cache_bytes: ByteSize = Field(default=ByteSize(2 << 30), ge=0)
    training_timeout_s: float = Field(default=14_400.0, gt=0)
    node_bytes: ByteSize = Field(default=ByteSize(128 << 20), ge=1 << 20)
    build_memory_bytes: ByteSize = Field(default=ByteSize(BUILD_MEMORY_BYTES), ge=1 << 20)

    @property
    def training_places(self) -> int:
        """Trainings that the worker runs at a time, if they are the smallest; see training.memory."""
        return max(1, self.training_memory_bytes // LEAST_TRAINING_BYTES)

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an origin, such as https://hmi.example.com")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("store_url")
    @classmethod
    def _is_store(cls, value: str) -> str:
        if urlsplit(value).scheme not in fsspec.available_protocols():
            raise ValueError("must begin with file:/// or s3://")
        return value

    @field_validator("broker_url")
    @classmethod
    def _is_broker(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("redis", "rediss", "memory"):
            raise ValueError("must begin with redis:// or rediss://")
        return value

    @field_validator("mail_url")
    @classmethod
    def _is_mail_url(cls, value: SecretStr) -> SecretStr:
        if urlsplit(value.get_secret_value()).scheme not in ("file", "smtp", "smtps"):
            raise ValueError("must begin with file:///, smtp:// or smtps://")
        return value

    @cached_property
    def hosts(self) -> list[str]:
        """Host names that requests may name: those given, and always the public URL's and the loopback's."""
        given = [host.strip() for host in self.allowed_hosts.split(",") if host.strip()]
        public = urlsplit(self.public_url).hostname
        return list(dict.fromkeys([*given, *([public] if public else []), "127.0.0.1", "localhost", "[::1]"]))


def read_settings() -> PortalSettings:
    """The settings of this process; raises ValueError on a misspelt name or a value that makes no sense."""
    refuse_unknown(os.environ)
    try:
        return PortalSettings()
    except ValidationError as exc:
        raise ValueError("; ".join(problem_in_words(error, _SECRET) for error in exc.errors())) from exc


_SECRET = frozenset(
    name
    for name, field in PortalSettings.model_fields.items()
    if field.annotation in (SecretStr, SecretStr | None)
)


def database_config(url: str) -> dict[str, Any]:
    """Django's description of the PostgreSQL database at ``url``."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or len(parts.path) < 2:
        raise ValueError("a database URL must be postgresql://role:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or 5432),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **VANISHED, **dict(parse_qsl(parts.query))},
    }
