"""What the service counts reaches the catalog's tables through its own sink, once, and is summed there."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from structlog.testing import capture_logs

from hmi.base.units import MIB
from hmi.build.metrics import ECE_BINS
from hmi.service.event_spool import EventSpool
from hmi.service.event_writer import EventsRefused, EventWriter, PostgresEventSink
from portal.usage.latencies import percentile_ms
from tests.conftest import DatabaseUrls
from wire.catalog import COMPARISON_TABLE, USAGE_TABLE
from wire.ids import EventId, KeyId, TaskId, TenantId, TrialId, VersionId
from wire.usage import SCORE_BUCKETS, ComparisonEvent, UsageEvent

pytestmark = pytest.mark.database
AT = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
TENANT, TASK, KEY, VERSION = (str(uuid4()) for _ in range(4))


@pytest.fixture
def owner(database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_urls.owner, autocommit=True) as connection:
        yield connection
        for table in (USAGE_TABLE, COMPARISON_TABLE, "usage_day", "usage_hour", "trial_figures"):
            connection.execute(f"DELETE FROM {table} WHERE tenant_id = '{TENANT}'")


def usage(**changes: Any) -> UsageEvent:
    fields: dict[str, Any] = {
        "id": EventId(str(uuid4())),
        "tenant_id": TenantId(TENANT),
        "task_id": TaskId(TASK),
        "key_id": KeyId(KEY),
        "version_id": VersionId(VERSION),
        "created_at": AT,
        "num_texts": 2,
        "num_tokens": 30,
        "num_truncated": 1,
        "num_trigram_tokens": 10,
        "num_bigram_tokens": 15,
        "num_exact_tokens": 0,
        "score_counts": (0, 0, 2),
        "label_counts": (1, 1),
        "latency_ms": 100.0,
        **changes,
    }
    return UsageEvent(**fields)


def test_usage_is_inserted_once_and_summed_by_day(
    database_urls: DatabaseUrls, owner: psycopg.Connection[Any]
) -> None:
    events = [usage(), usage(label_counts=(0, 0, 2)), usage(created_at=datetime(2026, 11, 23, tzinfo=UTC))]

    async def send() -> None:
        sink = PostgresEventSink(database_urls.usage, USAGE_TABLE, UsageEvent)
        for batch in (events[:2], events[1:], events):
            await sink.insert(batch)
        await sink.close()

    asyncio.run(send())
    stored = owner.execute(f"SELECT count(*) FROM {USAGE_TABLE} WHERE tenant_id = %s", [TENANT])
    assert stored.fetchone() == (3,)
    days = owner.execute(
        "SELECT day::text, num_requests, num_texts, num_tokens, num_truncated, num_trigram_tokens,"
        " num_bigram_tokens, score_counts, label_counts FROM usage_day"
        " WHERE tenant_id = %s ORDER BY day",
        [TENANT],
    ).fetchall()
    assert days == [
        ("2026-11-22", 2, 4, 60, 2, 20, 30, [0, 0, 4], [1, 1, 2]),
        ("2026-11-23", 1, 2, 30, 1, 10, 15, [0, 0, 2], [1, 1]),
    ]
    hours = owner.execute(
        "SELECT hour AT TIME ZONE 'UTC', num_requests, num_tokens, num_trigram_tokens, latency_counts"
        " FROM usage_hour WHERE tenant_id = %s ORDER BY hour",
        [TENANT],
    ).fetchall()
    expected = [(datetime(2026, 11, 22, 23), 2), (datetime(2026, 11, 23), 1)]
    for hour, (at, num_requests) in zip(hours, expected, strict=True):
        assert hour[:4] == (at, num_requests, 30 * num_requests, 10 * num_requests)
        assert percentile_ms(hour[4], 0.99) == pytest.approx(100, rel=0.2)
        assert sum(hour[4]) == num_requests


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_tokens": 2**31}, "22003"),
        ({"num_tokens": -1}, "23514 usage_event_num_tokens_check"),
        ({"task_id": TaskId("none")}, "22P02"),
    ],
)
def test_what_the_catalog_will_never_take_is_refused_and_the_others_are_counted(
    database_urls: DatabaseUrls,
    owner: psycopg.Connection[Any],
    tmp_path: Path,
    changes: dict[str, Any],
    reason: str,
) -> None:
    events = [usage() for _ in range(3)]
    spool = EventSpool(tmp_path, UsageEvent, max_bytes=MIB)
    spool.append(events[0], usage(**changes), *events[1:])

    async def send() -> None:
        sink = PostgresEventSink(database_urls.usage, USAGE_TABLE, UsageEvent)
        writer = EventWriter(spool, sink, flush_s=1, on_sent=lambda events: None)
        await writer.flush()
        spool.append(events[0])
        await writer.flush()
        await writer.close()

    with capture_logs() as logs:
        asyncio.run(send())
    assert [(line["event"], line["reasons"]) for line in logs] == [("events_refused", [reason])]
    stored = owner.execute(f"SELECT id::text FROM {USAGE_TABLE} WHERE tenant_id = %s", [TENANT]).fetchall()
    assert {row[0] for row in stored} == {event.id for event in events}
    assert len(stored) == 3


def test_what_tables_of_a_newer_release_do_not_take_waits_for_that_release(
    database_urls: DatabaseUrls, owner: psycopg.Connection[Any], tmp_path: Path
) -> None:
    """It was set aside as refused, and never counted."""
    spool = EventSpool(tmp_path, UsageEvent, max_bytes=MIB)
    spool.append(event := usage())

    async def send() -> None:
        sink = PostgresEventSink(database_urls.usage, USAGE_TABLE, UsageEvent)
        writer = EventWriter(spool, sink, flush_s=1, on_sent=lambda events: None)
        await writer.flush()
        await writer.close()

    def ids() -> list[str]:
        found = owner.execute(f"SELECT id::text FROM {USAGE_TABLE} WHERE tenant_id = %s", [TENANT])
        return [row[0] for row in found.fetchall()]

    owner.execute(f"ALTER TABLE {USAGE_TABLE} ADD COLUMN of_a_later_release int NOT NULL")
    try:
        with capture_logs() as logs:
            asyncio.run(send())
    finally:
        owner.execute(f"ALTER TABLE {USAGE_TABLE} DROP COLUMN of_a_later_release")
    [line] = logs
    assert line["event"] == "events_not_sent"
    assert "asks for of_a_later_release, which this release does not know" in line["reason"]
    assert (ids(), spool.num_bytes > 0) == ([], True)
    spool = EventSpool(tmp_path, UsageEvent, max_bytes=MIB)
    asyncio.run(send())
    assert (ids(), spool.num_bytes) == ([event.id], 0)


def test_an_event_without_what_every_release_asks_for_is_refused(database_urls: DatabaseUrls) -> None:
    async def send() -> None:
        sink = PostgresEventSink(database_urls.usage, USAGE_TABLE, UsageEvent)
        with pytest.raises(EventsRefused, match="23502"):
            await sink.insert([usage(num_tokens=None)])
        await sink.close()

    asyncio.run(send())


def test_a_comparison_is_inserted_once(database_urls: DatabaseUrls, owner: psycopg.Connection[Any]) -> None:
    event = ComparisonEvent(
        id=EventId(str(uuid4())),
        tenant_id=TenantId(TENANT),
        trial_id=TrialId(str(uuid4())),
        created_at=AT,
        num_texts=2,
        has_live_failed=False,
        has_trial_failed=False,
        num_agreed=1,
        live_ms=1.5,
        trial_ms=2.5,
        difference=0.5,
        difference_counts=(1, 0, 1),
    )

    async def send() -> None:
        sink = PostgresEventSink(database_urls.usage, COMPARISON_TABLE, ComparisonEvent)
        for _ in range(2):
            await sink.insert([event])
        await sink.close()

    asyncio.run(send())
    figures = owner.execute(
        "SELECT num_requests, num_agreed, difference_counts FROM trial_figures WHERE tenant_id = %s",
        [TENANT],
    ).fetchall()
    assert figures == [(1, 1, [1, 0, 1])]


def test_live_scores_are_counted_in_the_bins_of_the_report() -> None:
    assert SCORE_BUCKETS == ECE_BINS
