"""Rate limits by key and quotas by tenant: what is let in, when again, and what the headers say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hmi.service.limits import LimitReached, Limits
from hmi.service.snapshot import CatalogRows, CatalogSnapshot
from tests.fakes.clock import FakeClock
from tests.hmi.service.service_world import Service, code_of, demo_catalog, running
from tests.tiny.store import TinyStore
from wire.catalog import LimitRow
from wire.errors import ErrorCode
from wire.ids import EventId, KeyId, TaskId, TenantId, VersionId
from wire.usage import UsageEvent

KEY, OTHER_KEY = KeyId("one"), KeyId("other")


def limit(clock: FakeClock, **changes: object) -> LimitRow:
    row = LimitRow(
        tenant_id=TenantId("acme"),
        weight=1.0,
        requests_per_s=None,
        burst=3,
        quota_texts=None,
        quota_tokens=None,
        period_ends_at=clock.now() + timedelta(hours=1),
        used_texts=0,
        used_tokens=0,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def event(*, texts: int = 1, tokens: int = 10) -> UsageEvent:
    return UsageEvent(
        id=EventId("e"),
        tenant_id=TenantId("acme"),
        task_id=TaskId("t"),
        key_id=KEY,
        version_id=VersionId("v"),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        num_texts=texts,
        num_tokens=tokens,
        num_truncated=0,
    )


def snapshot(row: LimitRow) -> CatalogSnapshot:
    return CatalogSnapshot.of(CatalogRows([], [], [], [row], None), 0.0)


def test_without_a_limit_everything_is_let_in_and_nothing_is_told() -> None:
    clock = FakeClock()
    limits = Limits(clock)
    for row in (None, limit(clock)):
        for _ in range(100):
            limits.admit(KEY, row)
        assert limits.headers(KEY, row) == {}


def test_a_key_may_send_a_burst_and_then_its_rate() -> None:
    clock = FakeClock()
    limits, row = Limits(clock), limit(clock, requests_per_s=2.0)
    for left in (2, 1, 0):
        limits.admit(KEY, row)
        assert limits.headers(KEY, row)["X-RateLimit-Remaining"] == str(left)
    with pytest.raises(LimitReached) as refused:
        limits.admit(KEY, row)
    assert refused.value.code is ErrorCode.RATE_LIMITED
    assert refused.value.retry_after_s == pytest.approx(0.5)
    assert refused.value.headers["X-RateLimit-Limit"] == "3"
    limits.admit(OTHER_KEY, row)  # each key has its own
    clock.advance(0.5)
    limits.admit(KEY, row)
    with pytest.raises(LimitReached):
        limits.admit(KEY, row)
    clock.advance(100)
    for _ in range(3):
        limits.admit(KEY, row)
    with pytest.raises(LimitReached):
        limits.admit(KEY, row)


@pytest.mark.parametrize("quota", [{"quota_texts": 5}, {"quota_tokens": 50}])
def test_a_quota_counts_what_the_catalog_says_and_what_came_since(quota: dict[str, int]) -> None:
    clock = FakeClock()
    limits, row = Limits(clock), limit(clock, used_texts=3, used_tokens=30, **quota)
    limits.follow(snapshot(row))
    limits.admit(KEY, row)
    limits.count(event())
    limits.admit(KEY, row)
    limits.count(event())
    with pytest.raises(LimitReached) as refused:
        limits.admit(KEY, row)
    assert refused.value.code is ErrorCode.QUOTA_EXCEEDED
    assert refused.value.retry_after_s == pytest.approx(3600)
    assert "0" in refused.value.headers.values() and refused.value.headers["X-Quota-Reset"] == "3600"


def test_an_event_is_counted_once_whether_it_has_been_sent_or_not() -> None:
    clock = FakeClock()
    limits, row = Limits(clock), limit(clock, quota_texts=10)
    limits.count(event(texts=2))  # from the spool, before the first snapshot
    limits.follow(snapshot(row))
    assert limits.headers(KEY, row)["X-Quota-Texts-Remaining"] == "8"
    limits.note_gone([event(texts=2)])
    assert limits.headers(KEY, row)["X-Quota-Texts-Remaining"] == "8"
    row = replace(row, used_texts=2)
    limits.follow(snapshot(row))
    assert limits.headers(KEY, row)["X-Quota-Texts-Remaining"] == "8"


def test_a_period_ends_before_the_catalog_says_so() -> None:
    clock = FakeClock()
    limits, row = Limits(clock), limit(clock, quota_texts=5, used_texts=5)
    with pytest.raises(LimitReached):
        limits.admit(KEY, row)
    clock.advance(3601)
    limits.admit(KEY, row)
    limits.count(event(texts=5))
    with pytest.raises(LimitReached):
        limits.admit(KEY, row)


def test_what_a_full_spool_has_lost_is_of_no_later_period(tiny_store: TinyStore, tmp_path: Path) -> None:
    """It is never sent: counted as waiting, it would take from every quota until the service is restarted."""
    catalog = demo_catalog(tiny_store)
    catalog.allow("acme", quota_texts=2)
    with running(tiny_store, tmp_path, catalog=catalog, disk_bytes=1000) as service:
        for left in ("1", "0"):
            told = service.predict()
            assert (told.status_code, told.headers["X-Quota-Texts-Remaining"]) == (200, left)
        assert code_of(service.predict()) == (429, "quota_exceeded")
        service.change(lambda: catalog.allow("acme", quota_texts=3))  # the next period
        assert predict_until_limit(3, service)[-1].headers["X-Quota-Texts-Remaining"] == "2"
        assert service.usage.events == {}, "there was no room for one"


def test_over_http_limits_are_429_with_when_to_come_back(tiny_store: TinyStore, tmp_path: Path) -> None:
    catalog = demo_catalog(tiny_store)
    catalog.allow("acme", requests_per_s=0.001, burst=2)
    catalog.allow("globex", quota_texts=3, used_texts=1)
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        assert service.predict().headers["X-RateLimit-Remaining"] == "1"
        assert service.predict().status_code == 200
        refused = service.predict()
        assert code_of(refused) == (429, "rate_limited")
        assert int(refused.headers["Retry-After"]) > 100
        answer = service.predict({"inputs": ["a", "b"]}, key="hmi_globex-secret", task="prices")
        assert (answer.status_code, answer.headers["X-Quota-Texts-Remaining"]) == (200, "0")
        refused = service.predict(key="hmi_globex-secret", task="prices")
        assert code_of(refused) == (429, "quota_exceeded")
        assert refused.headers["X-Quota-Texts-Limit"] == "3"


def test_a_quota_outlives_a_restart_with_usage_that_could_not_be_sent(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    for expected in (200, 429):
        catalog = demo_catalog(tiny_store)
        catalog.allow("acme", quota_texts=1)
        with running(tiny_store, tmp_path, catalog=catalog) as service:
            service.usage.is_away = True
            assert service.predict().status_code == expected


def test_usage_that_has_come_back_with_the_catalog_is_not_counted_beside_it(
    tiny_store: TinyStore, tmp_path: Path
) -> None:
    catalog = demo_catalog(tiny_store)
    catalog.allow("acme", quota_texts=100)
    with running(tiny_store, tmp_path, catalog=catalog) as service:
        assert service.predict().headers["X-Quota-Texts-Remaining"] == "99"
        service.wait_until(lambda: service.usage.events)
        service.usage.is_away = True  # what follows stays to be counted here
        service.change(lambda: catalog.allow("acme", quota_texts=200, used_texts=1))
        told = predict_until_limit(200, service)
        assert told[-1].headers["X-Quota-Texts-Remaining"] == str(200 - 1 - len(told))


def predict_until_limit(quota_texts: int, service: Service) -> list[Any]:
    """The answers up to the first that tells this limit: what was changed has been read by then."""
    answers: list[Any] = []

    def is_told() -> bool:
        answers.append(service.predict())
        return bool(answers[-1].headers["X-Quota-Texts-Limit"] == str(quota_texts))

    service.wait_until(is_told)
    return answers
