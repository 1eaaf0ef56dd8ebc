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
    if env.training_threads is not None:
        environment["HMI_TRAINING_THREADS"] = str(env.training_threads)
    return RunnerConfig(
        command=(
            *(env.training_python, "-m", "hmi.cli", "train"),
            *("--cache", str(states_root()), "--cache-bytes", str(int(env.training_cache_bytes))),
        ),
        environment=environment,
        work_root=work_root(),
        lease_s=env.training_lease_s,
        max_attempts=env.training_max_attempts,
        timeout_s=env.training_timeout_s,
    )


def estimate_config() -> RunnerConfig:
    """As a training's, with another command, and little patience: somebody waits for it."""
    return replace(
        runner_config(),
        command=(settings.ENV.training_python, "-m", "hmi.cli", "estimate"),
        work_root=estimate_work_root(),
        max_attempts=ESTIMATE_ATTEMPTS,
        timeout_s=ESTIMATE_TIMEOUT_S,
    )


def import_config() -> RunnerConfig:
    """As an estimate's, with another command."""
    return replace(
        estimate_config(),
        command=(settings.ENV.training_python, "-m", "hmi.cli", "import"),
        work_root=import_work_root(),
    )


def import_work_root() -> Path:
    """Where imports' scratch folders are."""
    return Path(settings.ENV.work_dir) / "imports"


def estimate_work_root() -> Path:
    """Where estimates' scratch folders are."""
    return Path(settings.ENV.work_dir) / "estimates"


def states_root() -> Path:
    """Where trainings leave lower-layer states for the next of the same dataset."""
    return Path(settings.ENV.work_dir) / "states"


def work_root() -> Path:
    """Where the jobs' scratch folders are."""
    return Path(settings.ENV.work_dir) / "trainings"
