"""What crashed training processes said last: kept on the worker's disk for its operator alone."""

from pathlib import Path

FOLDER = "crashes"
MAX_FILES = 50


class CrashFiles:
    """The newest MAX_FILES of ``root/crashes``."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def keep(self, name: str, text: str) -> Path:
        """Write ``text``, readable by the worker's user alone, and drop the oldest."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{name}.txt"
        path.write_text(text, encoding="utf-8", errors="replace")
        path.chmod(0o600)
        # Not by its time: a clock may have been put back, and files of one moment have the same.
        others = sorted((file for file in self._folder.iterdir() if file != path), key=_written_at)
        for old in others[: 1 - MAX_FILES]:
            old.unlink(missing_ok=True)
        return path


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # another worker has dropped it
        return 0.0
