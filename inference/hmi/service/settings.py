"""The inference service's settings, from HMI_* environment variables (docs/operations.md)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from hmi.base.compute_type import ComputeType
from hmi.base.units import GIB, MIB, format_bytes, parse_bytes
from hmi.engine.batch_limits import DEFAULT_ADAPTERS, DEFAULT_ROWS, DEFAULT_TOKENS
from hmi.engine.config import DEFAULT_DEADLINE_S, DEFAULT_REQUESTS, forwards_at_a_time
from wire.settings import PREFIX, problem_in_words, refuse_unknown

Bytes = Annotated[int, BeforeValidator(lambda value: parse_bytes(value) if isinstance(value, str) else value)]


LEAST_DISK_BYTES = 16 * MIB
"""A quarter holds some ten thousand usage events; with less, what cannot be sent at once is lost."""


class ServiceSettings(BaseSettings):
    """Read once at start; a value that makes no sense stops the start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )  # the input may be a password

    store_url: str
    catalog_url: SecretStr
    usage_url: SecretStr
    cache_dir: Path
    service_host: str = "127.0.0.1"
    service_port: int = Field(default=8402, ge=0, le=65535)
    backbone_uri: str | None = None  # with backbone_digest: instead of the catalog's default backbone
    backbone_digest: str | None = None
    device: str = "cpu"
    device_bytes: Bytes = Field(default_factory=lambda: _share_of_memory(0.25), gt=0)
    host_bytes: Bytes = Field(default_factory=lambda: _share_of_memory(0.125), gt=0)
    disk_bytes: Bytes = Field(
        default=4 * GIB, gt=0
    )  # what the service writes to cache_dir: spools, packed adapters, and copies of remote bundles
    lower_layers: bool = True  # False: no exact path, and less of the device taken
    compute_type: ComputeType = ComputeType.AUTO
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    forwards: int | None = Field(default=None, ge=1)  # None: two on two threads or more of a processor
    max_adapter_rank: int = Field(default=32, ge=1)
    max_batch_rows: int = Field(default=DEFAULT_ROWS, ge=1)
    max_batch_tokens: int = Field(default=DEFAULT_TOKENS, ge=1)
    max_batch_adapters: int = Field(default=DEFAULT_ADAPTERS, ge=1)
    max_inputs: int = Field(default=64, ge=1)
    max_text_chars: int = Field(default=50_000, ge=1)
    max_body_bytes: Bytes = Field(default=4 * MIB, ge=1)
    max_queue_requests: int = Field(default=DEFAULT_REQUESTS, ge=1)
    request_deadline_s: float = Field(default=DEFAULT_DEADLINE_S, gt=0)
    key_staleness_s: float = Field(default=3600.0, gt=0)
    catalog_poll_s: float = Field(default=30.0, gt=0)
    usage_flush_s: float = Field(default=1.0, gt=0)
    log_level: str = "INFO"
    log_format: str = "json"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.backbone_uri is None) != (self.backbone_digest is None):
            raise ValueError("HMI_BACKBONE_URI and HMI_BACKBONE_DIGEST are set both or neither")
        if self.num_forwards > self.threads:
            raise ValueError(
                f"HMI_FORWARDS is {self.num_forwards}: each needs a thread, and HMI_THREADS is {self.threads}"
            )
        return self

    @property
    def num_forwards(self) -> int:
        """Batches that are computed at a time."""
        if self.forwards is not None:
            return self.forwards
        return forwards_at_a_time(self.device, self.threads)

    @property
    def forward_threads(self) -> int:
        """Of each."""
        return self.threads // self.num_forwards

    def shown(self) -> Mapping[str, Any]:
        """The effective settings for the log; secrets masked."""
        return self.model_dump(mode="json")


_SECRET = frozenset(
    name for name, field in ServiceSettings.model_fields.items() if field.annotation is SecretStr
)


def read_settings(environ: Mapping[str, str]) -> ServiceSettings:
    """Settings from the environment; raises ValueError that names what is wrong, in one line."""
    refuse_unknown(environ)
    try:
        settings = ServiceSettings()  # type: ignore[call-arg]  # its values come from the environment
    except ValidationError as exc:
        raise ValueError("; ".join(problem_in_words(error, _SECRET) for error in exc.errors())) from exc
    if settings.disk_bytes < LEAST_DISK_BYTES:
        raise ValueError(
            f"HMI_DISK_BYTES is {settings.disk_bytes}: at least {LEAST_DISK_BYTES} are needed"
            f" ({format_bytes(LEAST_DISK_BYTES)}), a quarter of it for usage that waits for the catalog"
        )
    return settings


def _share_of_memory(share: float) -> int:
    return int(share * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
