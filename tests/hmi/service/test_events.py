"""Usage events: spooled before the answer, sent once, whatever breaks in between."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from hmi.base.errors import AlreadyExists
from hmi.base.units import MIB
from hmi.service.event_spool import REFUSED_FOLDER, REFUSED_SHARE, EventSpool
from hmi.service.event_writer import EventWriter
from tests.conftest import ROOT
from tests.fakes.events import FakeEventTable
from tests.fakes.full_disk import full_disk
from wire.ids import EventId, KeyId, TaskId, TenantId, VersionId
from wire.usage import UsageEvent


def event(number: int) -> UsageEvent:
    return UsageEvent(
        id=EventId(f"event {number}"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("task"),
        key_id=KeyId("key"),
        version_id=VersionId("version"),
        created_at=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        num_texts=number,
        num_tokens=2,
        num_truncated=0,
    )


def spool_in(folder: Path, max_bytes: int = MIB) -> EventSpool[UsageEvent]:
    return EventSpool(folder, UsageEvent, max_bytes=max_bytes)


def flush(spool: EventSpool[UsageEvent], table: FakeEventTable[UsageEvent]) -> None:
    asyncio.run(EventWriter(spool, table, flush_s=1, on_sent=lambda events: None).flush())


def test_events_reach_the_table_unchanged_and_leave_the_disk(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    for number in range(2500):
        spool.append(event(number))
    flush(spool, table)
    assert list(table.events.values()) == [event(number) for number in range(2500)]
    assert spool.num_bytes == 0
    assert spool.seal() == []


def test_nothing_is_lost_while_the_catalog_is_away(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    table.is_away = True
    for number in range(3):
        spool.append(event(number))
        flush(spool, table)
    table.is_away = False
    flush(spool, table)
    assert len(table.events) == 3


def test_a_batch_that_broke_half_way_is_counted_once(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    for number in range(5):
        spool.append(event(number))
    table.fails_after = 2
    flush(spool, table)
    assert len(table.events) == 2
    table.fails_after = None
    flush(spool, table)
    assert len(table.events) == 5


def test_events_outlive_the_process_that_was_killed(tmp_path: Path) -> None:
    here = "from tests.hmi.service.test_events import event, spool_in"
    append = "spool_in(pathlib.Path(sys.argv[1])).append(event(7))"
    end = "os._exit(9)"  # no buffer is flushed, nothing is closed
    code = f"import os, pathlib, sys; {here}; {append}; {end}"
    # Not a fork of this process: it has threads.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    child = subprocess.run([sys.executable, "-c", code, tmp_path], env=environment, cwd=ROOT, check=False)
    assert child.returncode == 9
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    flush(spool, table)
    assert list(table.events.values()) == [event(7)]


def spoiled_spool(folder: Path, line: bytes) -> EventSpool[UsageEvent]:
    """Another process has left event 1 and ``line`` in it."""
    spool = spool_in(folder)
    spool.append(event(1))
    spool.close()
    (file,) = folder.glob("*.jsonl")
    with file.open("ab") as opened:
        opened.write(line)
    return spool_in(folder)


def test_a_torn_line_is_skipped_and_the_others_count(tmp_path: Path) -> None:
    spool, table = spoiled_spool(tmp_path, b'{"id": "ev'), FakeEventTable[UsageEvent]()
    flush(spool, table)
    assert list(table.events) == ["event 1"]


def test_a_line_that_is_no_text_is_skipped_like_a_torn_one(tmp_path: Path) -> None:
    spool, table = spoiled_spool(tmp_path, b'{"id": "ev\xff\xfe"}\n'), FakeEventTable[UsageEvent]()
    spool.append(event(2))
    flush(spool, table)
    assert list(table.events) == ["event 1", "event 2"]
    assert spool.num_bytes == 0


def test_an_event_that_the_catalog_refuses_is_set_aside_and_the_others_count(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    table.refuses = {EventId("event 3"), EventId("event 1700")}
    spool.append(*(event(number) for number in range(2000)))
    with capture_logs() as logs:
        flush(spool, table)
    assert set(table.events) == {f"event {number}" for number in range(2000)} - table.refuses
    assert spool.seal() == []
    [kept] = (tmp_path / REFUSED_FOLDER).iterdir()
    refused = [msgspec.json.decode(line, type=UsageEvent) for line in kept.read_bytes().splitlines()]
    assert refused == [event(3), event(1700)]
    assert spool.num_bytes == kept.stat().st_size, "they count in the spool's room"
    assert logs == [
        {
            "event": "events_refused",
            "log_level": "error",
            "file": kept.name,
            "num_events": 2,
            "reasons": ["22003"],
        }
    ]


def test_refused_events_of_one_process_are_not_replaced_by_those_of_the_next(tmp_path: Path) -> None:
    table = FakeEventTable[UsageEvent]()
    table.refuses = {EventId("event 1"), EventId("event 2")}
    for number in (1, 2):
        spool = spool_in(tmp_path)
        spool.append(event(number))
        flush(spool, table)
        spool.close()
    assert len(list((tmp_path / REFUSED_FOLDER).iterdir())) == 2
    assert spool_in(tmp_path).num_bytes > 0


def test_no_more_than_a_part_of_the_spool_is_kept_of_what_is_refused(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path, max_bytes=10_000), FakeEventTable[UsageEvent]()
    table.refuses = {event(number).id for number in range(20)}
    for number in range(20):
        spool.append(event(number))
        flush(spool, table)
    assert 0 < spool.num_bytes <= 10_000 * REFUSED_SHARE
    num_kept = len(list((tmp_path / REFUSED_FOLDER).iterdir()))
    assert (num_kept + spool.num_lost, table.events) == (20, {})


def test_refused_events_that_cannot_be_kept_now_wait_in_their_file(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    table.refuses = {EventId("event 1")}
    in_the_way = tmp_path / REFUSED_FOLDER
    in_the_way.touch()
    spool.append(event(1), event(2))
    flush(spool, table)
    assert (list(table.events), len(spool.seal())) == (["event 2"], 1)
    in_the_way.unlink()
    flush(spool, table)
    assert (list(table.events), spool.seal(), len(list(in_the_way.iterdir()))) == (["event 2"], [], 1)


def test_while_no_file_can_be_begun_the_old_one_is_written_on_and_what_waits_is_sent(tmp_path: Path) -> None:
    earlier = spool_in(tmp_path)
    earlier.append(event(1))
    earlier.close()
    next_but_one = tmp_path / f"{3:012d}.jsonl"
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    spool.append(event(2))
    next_but_one.mkdir()
    flush(spool, table)
    assert list(table.events) == ["event 1"]
    spool.append(event(3))
    next_but_one.rmdir()
    flush(spool, table)
    assert (list(table.events), spool.num_lost) == (["event 1", "event 2", "event 3"], 0)


def test_the_spool_is_bounded_and_says_what_was_lost(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path, max_bytes=1000), FakeEventTable[UsageEvent]()
    for number in range(20):
        spool.append(event(number))
    assert spool.num_bytes <= 1000
    flush(spool, table)
    assert len(table.events) + spool.num_lost == 20
    assert spool.num_lost > 0
    spool.append(event(99))
    assert spool.num_lost == 20 - len(table.events), "there is room again"


def test_two_services_cannot_share_a_spool(tmp_path: Path) -> None:
    spool = spool_in(tmp_path)
    with pytest.raises(AlreadyExists, match="HMI_CACHE_DIR"):
        spool_in(tmp_path)
    spool.close()
    spool_in(tmp_path).close()


def test_events_that_are_kept_together_are_one_after_the_other(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    spool.append(event(1), event(2))
    spool.append()
    spool.append(event(3))
    flush(spool, table)
    assert list(table.events.values()) == [event(number) for number in (1, 2, 3)]


def test_what_a_full_disk_did_not_take_is_lost_and_the_rest_stays_readable(tmp_path: Path) -> None:
    spool, table = spool_in(tmp_path), FakeEventTable[UsageEvent]()
    with full_disk():
        lost = spool.append(*(event(number) for number in range(100)))
    num_kept = 100 - spool.num_lost
    assert lost == tuple(event(number) for number in range(num_kept, 100))
    assert 0 < num_kept < 100
    spool.append(event(100))  # there is room again
    flush(spool, table)
    assert list(table.events.values()) == [event(number) for number in (*range(num_kept), 100)]
    assert spool.num_bytes == 0
