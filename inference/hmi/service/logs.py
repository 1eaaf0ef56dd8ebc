"""Sets structured logging up: one JSON object a line on standard error, never with a text or a key in it."""

import logging
import sys

import structlog


def set_up_logs(*, level: str, log_format: str) -> None:
    """``log_format``: ``json`` for machines, ``console`` for people. Raises ValueError for anything else."""
    renderers: dict[str, structlog.typing.Processor] = {
        "json": structlog.processors.JSONRenderer(),
        # Plain tracebacks: ones with local variables would show texts and keys.
        "console": structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        ),
    }
    if log_format not in renderers:
        raise ValueError(f"HMI_LOG_FORMAT is {log_format!r}; use json or console")
    levels = logging.getLevelNamesMapping()
    if level.upper() not in levels:
        raise ValueError(f"HMI_LOG_LEVEL is {level!r}; use one of {', '.join(sorted(levels))}")
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        shared.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*shared, renderers[log_format]],
        wrapper_class=structlog.make_filtering_bound_logger(levels[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderers[log_format]],
        foreign_pre_chain=shared,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(levels[level.upper()])
