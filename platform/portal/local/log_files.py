"""Log files of the supervised processes: bounded in size, the previous ones kept."""

import logging
import shutil
from pathlib import Path

MAX_BYTES = 10 * 2**20
NUM_PREVIOUS = 3

logger = logging.getLogger(__name__)


def rotate(log_file: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Past ``max_bytes``, move the content to NAME.1 (that to NAME.2 ...) and empty the file.

    The writer goes on with the same open file, which it opened for appending. Where the disk has no room for
    a copy, what was written is given up: that room is what is needed."""
    try:
        if log_file.stat().st_size <= max_bytes:
            return
    except FileNotFoundError:
        return
    for number in range(NUM_PREVIOUS - 1, 0, -1):
        older = _previous(log_file, number)
        if older.exists():
            older.replace(_previous(log_file, number + 1))
    try:
        shutil.copyfile(log_file, _previous(log_file, 1))
    except OSError as exc:
        _previous(log_file, 1).unlink(missing_ok=True)
        logger.warning("%s could not be kept and begins anew: %s", log_file, exc.strerror)
    with log_file.open("r+b") as file:
        file.truncate(0)


def _previous(log_file: Path, number: int) -> Path:
    return log_file.with_name(f"{log_file.name}.{number}")
