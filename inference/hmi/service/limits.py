"""What a tenant may use: requests a second by key, texts and tokens by period. Asks no database."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from hmi.base.clock import Clock
from hmi.base.errors import HmiError
from hmi.service.snapshot import CatalogSnapshot
from wire.catalog import LimitRow
from wire.errors import ErrorCode
from wire.ids import KeyId, TenantId
from wire.usage import UsageEvent

MAX_BUCKETS = 100_000
"""Keys whose latest requests are remembered; past it the half that has been quiet longest is forgotten."""


class LimitReached(HmiError):
    """The key sends too fast, or the tenant has used what it may in this period."""

    def __init__(
        self, code: ErrorCode, message: str, *, retry_after_s: float, headers: Mapping[str, str]
    ) -> None:
        super().__init__(code, message, retryable=True)
        self.retry_after_s = retry_after_s
        self.headers = headers


@dataclass(slots=True)
class _Bucket:
    """Requests that a key may still send at once, at a moment."""

    left: float
    at: float  # Clock.monotonic

    def fill(self, limit: LimitRow, now: float) -> None:
        assert limit.requests_per_s is not None, "only keys with a rate have a bucket"
        self.left = min(self.left + (now - self.at) * limit.requests_per_s, limit.burst)
        self.at = now


@dataclass(slots=True)
class _Used:
    """Texts and tokens."""

    texts: int = 0
    tokens: int = 0

    def add(self, event: UsageEvent, sign: int = 1) -> None:
        self.texts += sign * event.num_texts
        self.tokens += sign * event.num_tokens


@dataclass(slots=True)
class _Tally:
    """What this process counted of one tenant."""

    unsent: _Used = field(default_factory=_Used)  # not in the catalog yet
    beyond: _Used = field(default_factory=_Used)  # not in what the newest snapshot says was used
    period_ends_at: datetime | None = None  # the period that `beyond` was begun anew for


class Limits:
    """Event loop only. What is used is what the newest snapshot says, and what was counted here since then.

    A request is let in while anything is left, so the last one may go over by its own size, and so may those
    that are open at once. Of several services each hears of the others' use with the next snapshot.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[KeyId, _Bucket] = {}
        self._tallies: dict[TenantId, _Tally] = {}

    def follow(self, snapshot: CatalogSnapshot) -> None:
        """A new snapshot says what was used, but for what has not been sent."""
        for tally in self._tallies.values():
            tally.beyond = _Used(tally.unsent.texts, tally.unsent.tokens)
            tally.period_ends_at = None
        self._tallies = {
            tenant_id: tally
            for tenant_id, tally in self._tallies.items()
            if tenant_id in snapshot.limits or tally.unsent.texts
        }

    def count(self, event: UsageEvent) -> None:
        """A request was answered, or stands in the spool from before."""
        tally = self._tally(event.tenant_id)
        tally.unsent.add(event)
        tally.beyond.add(event)

    def note_gone(self, events: Iterable[UsageEvent]) -> None:
        """These do not wait to be sent any more: they are in the catalog now, or were lost."""
        for event in events:
            tally = self._tallies.get(event.tenant_id)
            if tally is not None:
                tally.unsent.add(event, -1)

    def admit(self, key_id: KeyId, limit: LimitRow | None) -> None:
        """Count a request against the key's rate; raises LimitReached when it may not come in."""
        if limit is None:
            return
        self._check_quota(key_id, limit)
        if limit.requests_per_s is None:
            return
        bucket = self._bucket(key_id, limit)
        if bucket.left < 1:
            wait_s = (1 - bucket.left) / limit.requests_per_s
            raise LimitReached(
                ErrorCode.RATE_LIMITED,
                f"this key may send {limit.requests_per_s:g} requests a second; wait {wait_s:.1f} s",
                retry_after_s=wait_s,
                headers=self.headers(key_id, limit),
            )
        bucket.left -= 1

    def headers(self, key_id: KeyId, limit: LimitRow | None) -> dict[str, str]:
        """What is left, for the answer; of what has no limit, nothing."""
        if limit is None:
            return {}
        told: dict[str, str] = {}
        if limit.requests_per_s is not None:
            left = self._bucket(key_id, limit).left
            told["X-RateLimit-Limit"] = str(limit.burst)
            told["X-RateLimit-Remaining"] = str(int(left))
            told["X-RateLimit-Reset"] = str(math.ceil((limit.burst - left) / limit.requests_per_s))
        used = self._used(limit)
        for name, quota, spent in (
            ("Texts", limit.quota_texts, used.texts),
            ("Tokens", limit.quota_tokens, used.tokens),
        ):
            if quota is not None:
                told[f"X-Quota-{name}-Limit"] = str(quota)
                told[f"X-Quota-{name}-Remaining"] = str(max(0, quota - spent))
                told["X-Quota-Reset"] = str(math.ceil(self._period_left_s(limit)))
        return told

    def _check_quota(self, key_id: KeyId, limit: LimitRow) -> None:
        used = self._used(limit)
        for what, quota, spent in (
            ("texts", limit.quota_texts, used.texts),
            ("tokens", limit.quota_tokens, used.tokens),
        ):
            if quota is not None and spent >= quota:
                raise LimitReached(
                    ErrorCode.QUOTA_EXCEEDED,
                    f"the {quota} {what} of this period are used up; the next one begins at"
                    f" {limit.period_ends_at:%Y-%m-%d %H:%M} UTC",
                    retry_after_s=self._period_left_s(limit),
                    headers=self.headers(key_id, limit),
                )

    def _used(self, limit: LimitRow) -> _Used:
        tally = self._tally(limit.tenant_id)
        if self._clock.now() < limit.period_ends_at:
            return _Used(limit.used_texts + tally.beyond.texts, limit.used_tokens + tally.beyond.tokens)
        # The period has ended, and no snapshot says so yet: what is counted from now on is all.
        if tally.period_ends_at != limit.period_ends_at:
            tally.period_ends_at = limit.period_ends_at
            tally.beyond = _Used()
        return tally.beyond

    def _tally(self, tenant_id: TenantId) -> _Tally:
        tally = self._tallies.get(tenant_id)
        if tally is None:
            tally = self._tallies[tenant_id] = _Tally()
        return tally

    def _period_left_s(self, limit: LimitRow) -> float:
        return max(1.0, (limit.period_ends_at - self._clock.now()).total_seconds())

    def _bucket(self, key_id: KeyId, limit: LimitRow) -> _Bucket:
        now = self._clock.monotonic()
        bucket = self._buckets.get(key_id)
        if bucket is None:
            if len(self._buckets) >= MAX_BUCKETS:
                self._forget_idle(now)
            bucket = self._buckets[key_id] = _Bucket(limit.burst, now)
        bucket.fill(limit, now)
        return bucket

    def _forget_idle(self, now: float) -> None:
        newest = sorted(self._buckets.items(), key=lambda item: item[1].at)[MAX_BUCKETS // 2 :]
        self._buckets = dict(newest)
