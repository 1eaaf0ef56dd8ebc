"""Where a command finds the object store, by the environment."""

import os
from pathlib import Path

from hmi.base.errors import InvalidInput


def store_url() -> str:
    """HMI_STORE_URL; raises InvalidInput when it is not set."""
    url = os.environ.get("HMI_STORE_URL")
    if not url:
        raise InvalidInput(
            "HMI_STORE_URL is not set; give the object store, for example file:///srv/hmi/store"
        )
    return url


def cache_dir() -> Path | None:
    """HMI_CACHE_DIR, where copies of a remote store's bundles are kept."""
    path = os.environ.get("HMI_CACHE_DIR")
    return Path(path) if path else None
