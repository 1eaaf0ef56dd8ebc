"""Settings of an inference service for tests."""

from pathlib import Path
from typing import Any

from hmi.base.units import MIB
from hmi.service.settings import ServiceSettings


def service_settings(store_url: str, cache_dir: Path, **changes: Any) -> ServiceSettings:
    """Small budgets, no waiting; ``changes`` by field name."""
    values: dict[str, Any] = {
        "store_url": store_url,
        "catalog_url": "postgresql://nobody@localhost/none",
        "usage_url": "postgresql://nobody@localhost/none",
        "cache_dir": cache_dir,
        "device_bytes": 64 * MIB,
        "host_bytes": 16 * MIB,
        "compute_type": "float32",  # the same numbers on every machine
        "threads": 1,
        "max_adapter_rank": 8,
        "max_batch_adapters": 4,
        "usage_flush_s": 0.01,
        **changes,
    }
    return ServiceSettings(**values)
