"""Events on their way to the catalog: on this machine's disk, usage before its answer leaves.

What survives: an event is handed to the operating system before its answer is sent, so it outlives kill -9
of the service; it is not forced to the disk one by one, so the last moments before a power cut can be lost.
Every event has an id of its own and is inserted by it, so that sending a file twice counts it once.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
import structlog

from hmi.base.errors import AlreadyExists

REFUSED_FOLDER = "refused"
REFUSED_SHARE = 1 / 8
"""Of a spool's bytes, for events that the catalog refused: what is beyond is lost."""

log = structlog.get_logger(__name__)

EventT = TypeVar("EventT")


class EventSpool(Generic[EventT]):
    """Append-only files ``<number>.jsonl`` of one kind of event in a folder of their own. One thread; one
    process a folder.

    The file with the highest number is written to; the others are sealed and wait to be sent and removed.
    """

    def __init__(self, folder: Path, kind: type[EventT], *, max_bytes: int) -> None:
        """Open the folder; seal what an earlier process left. Raises AlreadyExists when one still runs."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._decoder = msgspec.json.Decoder(kind)
        self._max_bytes = max_bytes
        self._lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(self._lock)
            raise AlreadyExists(f"another service uses {folder}; give each its own HMI_CACHE_DIR") from exc
        self._sealed = sorted(folder.glob("*.jsonl"), key=_number)
        self._sealed_bytes = sum(path.stat().st_size for path in self._sealed)
        refused = sorted((folder / REFUSED_FOLDER).glob("*.jsonl"), key=_number)
        self._refused_bytes = sum(path.stat().st_size for path in refused)
        self._active_bytes = 0
        earlier = [_number(path) for path in (*self._sealed[-1:], *refused[-1:])]
        self._active = self._open(max(earlier, default=0) + 1)
        self.num_lost = 0

    @property
    def num_bytes(self) -> int:
        return self._sealed_bytes + self._active_bytes + self._refused_bytes

    def append(self, *events: EventT) -> Sequence[EventT]:
        """Keep ``events``, in one write; past ``max_bytes`` (the catalog was away for long) count them as
        lost. Returns those that were."""
        lines = [msgspec.json.encode(event) + b"\n" for event in events]
        room = self._max_bytes - self.num_bytes
        kept = list(_fitting(lines, room))
        try:
            written = os.write(self._active, b"".join(kept)) if kept else 0
        except OSError as exc:  # a full disk must not stop predictions
            log.error("event_lost", folder=self._folder.name, reason=exc.strerror)
            written = 0
        whole = list(_fitting(kept, written))
        num_bytes = sum(map(len, whole))
        if num_bytes < written:  # the disk was full in the middle of a line
            os.ftruncate(self._active, self._active_bytes + num_bytes)
        self._active_bytes += num_bytes
        lost = events[len(whole) :]
        self.num_lost += len(lost)
        return lost

    def seal(self) -> list[Path]:
        """Begin a new file if the current one holds anything; all sealed files, oldest first. While no file
        can be begun (a full disk), the current one is written on."""
        if self._active_bytes:
            written, path = self._active, self._folder / f"{self._number:012d}.jsonl"
            try:
                self._active = self._open(self._number + 1)
            except OSError as exc:
                log.error("event_file_not_begun", folder=self._folder.name, reason=exc.strerror)
                return list(self._sealed)
            os.close(written)
            self._sealed.append(path)
            self._sealed_bytes += self._active_bytes
            self._active_bytes = 0
        return list(self._sealed)

    def read(self, path: Path) -> list[EventT]:
        """The events of a sealed file. A line torn by a crash was never answered for, and is skipped, as is
        what a disk has damaged."""
        events = []
        for line in path.read_bytes().splitlines():
            try:
                events.append(self._decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError):
                log.warning("event_line_skipped", file=path.name, num_bytes=len(line))
        return events

    def set_aside(self, path: Path, events: Sequence[EventT]) -> bool:
        """Keep those ``events`` of a sealed file that the catalog will never take, for the operator, in a
        file of the same name in REFUSED_FOLDER. False: they cannot be kept now."""
        kept = self._folder / REFUSED_FOLDER / path.name
        content = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        if self._refused_bytes + len(content) > REFUSED_SHARE * self._max_bytes:
            log.error("refused_events_lost", folder=self._folder.name, num_events=len(events))
            self.num_lost += len(events)
            return True
        temporary = kept.with_suffix(".new")
        try:
            kept.parent.mkdir(exist_ok=True, mode=0o700)
            temporary.write_bytes(content)
            temporary.rename(kept)
        except OSError as exc:
            log.error("refused_events_not_kept", folder=self._folder.name, reason=exc.strerror)
            with contextlib.suppress(OSError):
                temporary.unlink()
            return False
        self._refused_bytes += len(content)
        return True

    def remove(self, path: Path) -> None:
        """A sealed file whose events are all in the catalog, or set aside."""
        self._sealed.remove(path)
        self._sealed_bytes -= path.stat().st_size
        path.unlink()

    def close(self) -> None:
        os.close(self._active)
        os.close(self._lock)

    def _open(self, number: int) -> int:
        path = self._folder / f"{number:012d}.jsonl"
        opened = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._number = number
        return opened


def _number(path: Path) -> int:
    return int(path.stem)


def _fitting(lines: Iterable[bytes], num_bytes: int) -> Iterator[bytes]:
    """The first ones, which together have at most so many bytes."""
    for line in lines:
        num_bytes -= len(line)
        if num_bytes < 0:
            return
        yield line
