"""How this worker runs trainings, from its settings."""

import os
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from portal.training.runner import RunnerConfig

PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "NUMBA_CACHE_DIR",
    "HMI_CACHE_DIR",
    "HMI_LOG_LEVEL",
)
ESTIMATE_ATTEMPTS = 2
ESTIMATE_TIMEOUT_S = 600.0
MAX_TIME_TO_END_S = 600.0
SHARE_TO_END = 0.1
"""Of HMI_TRAINING_TIMEOUT_S: what is reckoned for evaluating may be too little."""
STORE_PREFIX = "AWS_"  # the object store's own credentials, which a training needs to read and publish


def runner_config() -> RunnerConfig:
    """The process gets the store and its limits; never the database's, the broker's or Django's secrets."""
    env = settings.ENV
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in PASSED_ON or name.startswith(STORE_PREFIX)
    }
    environment["HMI_STORE_URL"] = env.store_url
    environment["HMI_CACHE_DIR"] = str(copies_root())
    if env.training_threads is not None:
        environment["HMI_TRAINING_THREADS"] = str(env.training_threads)
    return RunnerConfig(
        command=(
            *(env.training_python, "-m", "hmi.cli", "train"),
            *("--limit-s", str(limit_s())),
            *("--cache", str(states_root()), "--cache-bytes", str(int(env.training_cache_bytes))),
        ),
        environment=environment,
        work_root=work_root(),
        lease_s=env.training_lease_s,
        max_attempts=env.training_max_attempts,
        timeout_s=env.training_timeout_s,
        memory_bytes=int(env.training_memory_bytes),
        max_running=env.training_places,
    )


def estimate_config() -> RunnerConfig:
    """As a training's, with another command, and little patience: somebody waits for it."""
    return replace(
        runner_config(),
        command=(settings.ENV.training_python, "-m", "hmi.cli", "estimate", "--limit-s", str(limit_s())),
        work_root=estimate_work_root(),
        max_attempts=ESTIMATE_ATTEMPTS,
        timeout_s=ESTIMATE_TIMEOUT_S,
        memory_bytes=None,
        max_running=None,
    )


def import_config() -> RunnerConfig:
    """As an estimate's, with another command."""
    return replace(
        estimate_config(),
        command=(settings.ENV.training_python, "-m", "hmi.cli", "import"),
        work_root=import_work_root(),
    )


def limit_s() -> float:
    """What a training's process is told that it may work: with time left to end, before it is stopped."""
    timeout_s = float(settings.ENV.training_timeout_s)
    return timeout_s - min(MAX_TIME_TO_END_S, timeout_s * SHARE_TO_END)


def import_work_root() -> Path:
    """Where imports' scratch folders are."""
    return Path(settings.ENV.work_dir) / "imports"


def estimate_work_root() -> Path:
    """Where estimates' scratch folders are."""
    return Path(settings.ENV.work_dir) / "estimates"


def copies_root() -> Path:
    """Where jobs keep copies of a remote store's bundles."""
    return Path(os.environ.get("HMI_CACHE_DIR") or Path(settings.ENV.work_dir) / "bundles")


def states_root() -> Path:
    """Where trainings leave lower-layer states for the next of the same dataset."""
    return Path(settings.ENV.work_dir) / "states"


def work_root() -> Path:
    """Where the jobs' scratch folders are."""
    return Path(settings.ENV.work_dir) / "trainings"
