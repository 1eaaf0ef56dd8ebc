"""Sets structured logging up: one JSON object a line on standard error, never with a text or a key in it."""

import asyncio
import atexit
import logging
import sys
import threading
from typing import TextIO, cast

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
        logger_factory=structlog.WriteLoggerFactory(file=_joined(sys.stderr)),
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


class JoinedLines:
    """A file for logs that writes the lines of one go of an event loop in one go; those of other threads at
    once, and what is left at the end. Thread-safe.

    A write is a system call, at which the loop gives the interpreter up and waits to have it again.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # that will write the lines

    def write(self, line: str) -> None:
        """Takes ``line`` for the next flush()."""
        with self._lock:
            self._lines.append(line)

    def flush(self) -> None:
        """When the calling thread's loop goes on; now where there is none."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write_all()
            return
        if self._loop is not loop:
            self._loop = loop
            loop.call_soon(self.write_all)

    def write_all(self) -> None:
        """What was taken and is not written yet."""
        with self._lock:
            lines, self._lines = self._lines, []
            self._loop = None
            if lines:
                self._file.write("".join(lines))
                self._file.flush()


def _joined(file: TextIO) -> TextIO:
    lines = JoinedLines(file)
    atexit.register(lines.write_all)
    return cast(TextIO, lines)  # all that structlog asks of it: write and flush
