"""The closed list of HMI_* environment names; a misspelt one is refused at start instead of being ignored."""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

PREFIX = "HMI_"

KNOWN: frozenset[str] = frozenset(
    {
        # the bootstrap script and the embedded installation
        "HMI_VENV",
        "HMI_VAR",
        "HMI_PORT",
        "HMI_HOST",
        "HMI_GENERAL_TEXT",
        "HMI_NUM_LOWER",
        "HMI_BENCH_DATA",
        # both planes
        "HMI_STORE_URL",
        "HMI_LOG_LEVEL",
        "HMI_LOG_FORMAT",
        "HMI_SERVICE_URL",
        # the portal and its worker
        "HMI_DATABASE_ADMIN_URL",
        "HMI_DATABASE_OWNER_URL",
        "HMI_DATABASE_URL",
        "HMI_BROKER_URL",
        "HMI_PUBLIC_URL",
        "HMI_ALLOWED_HOSTS",
        "HMI_SECRET_KEY",
        "HMI_DEBUG",
        "HMI_MAIL_URL",
        "HMI_MAIL_FROM",
        "HMI_EMAIL_VERIFICATION",
        "HMI_API_REQUESTS_PER_MINUTE",
        "HMI_WEBHOOKS_PRIVATE",
        "HMI_USAGE_EVENTS_DAYS",
        "HMI_WORK_DIR",
        "HMI_FRONTEND_DIR",
        "HMI_MAX_UPLOAD_BYTES",
        "HMI_MAX_UPLOAD_ROWS",
        "HMI_TRAINING_PYTHON",
        "HMI_TRAINING_LEASE_S",
        "HMI_TRAINING_MAX_ATTEMPTS",
        "HMI_TRAINING_MEMORY_BYTES",
        "HMI_TRAINING_THREADS",
        "HMI_TRAINING_CACHE_BYTES",
        "HMI_TRAINING_TIMEOUT_S",
        "HMI_NODE_BYTES",
        "HMI_BUILD_MEMORY_BYTES",
        # the inference service
        "HMI_CATALOG_URL",
        "HMI_USAGE_URL",
        "HMI_SERVICE_HOST",
        "HMI_SERVICE_PORT",
        "HMI_BACKBONE_URI",
        "HMI_BACKBONE_DIGEST",
        "HMI_DEVICE",
        "HMI_LOWER_LAYERS",
        "HMI_DEVICE_BYTES",
        "HMI_HOST_BYTES",
        "HMI_DISK_BYTES",
        "HMI_CACHE_DIR",
        "HMI_COMPUTE_TYPE",
        "HMI_THREADS",
        "HMI_FORWARDS",
        "HMI_MAX_ADAPTER_RANK",
        "HMI_MAX_BATCH_ROWS",
        "HMI_MAX_BATCH_TOKENS",
        "HMI_MAX_BATCH_ADAPTERS",
        "HMI_MAX_INPUTS",
        "HMI_MAX_TEXT_CHARS",
        "HMI_MAX_BODY_BYTES",
        "HMI_MAX_QUEUE_REQUESTS",
        "HMI_REQUEST_DEADLINE_S",
        "HMI_KEY_STALENESS_S",
        "HMI_CATALOG_POLL_S",
        "HMI_USAGE_FLUSH_S",
    }
)


def refuse_unknown(environ: Mapping[str, str]) -> None:
    """Raise ValueError naming the first HMI_* variable that is not a setting, and the nearest that is."""
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in KNOWN:
            near = difflib.get_close_matches(name, KNOWN, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name} is not a setting of HMI (see docs/operations.md){hint}")


def problem_in_words(error: Mapping[str, Any], secret: Collection[str]) -> str:
    """One error of pydantic's, with the name that an operator knows, and the value unless its field is one of
    ``secret``, or it is of all settings together."""
    message = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return message
    field = str(error["loc"][0])
    name = PREFIX + field.upper()
    if error["type"] == "missing":
        return f"{name} is needed"
    value = "" if field in secret else f" is {error['input']!r}"
    return f"{name}{value}: {message}"
