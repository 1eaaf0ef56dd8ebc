"""Decides at the door whether a request can still be answered in time, and whose turn it is to be refused."""

import math
from dataclasses import dataclass

from hmi.base.errors import QueueFull
from hmi.engine.request import EngineRequest
from wire.ids import TenantId

MAX_OPEN_PER_FREE = 4
"""Open requests that a tenant may have for every place that is still free: alone it gets four places of five,
and however many fill the queue, a newcomer still finds room."""
MAX_WAIT_SHARE = 0.8
"""Of the time until the deadline, that the work ahead may take: the rest is for what is not foreseen."""
MIN_RETRY_AFTER_S, MAX_RETRY_AFTER_S = 1.0, 30.0
SMOOTHING = 0.2
"""Weight of the newest step in the running mean of the speed."""


@dataclass(slots=True)
class _Share:
    """What one tenant has open."""

    weight: float
    num_requests: int = 0
    num_tokens: float = 0.0


class Admission:
    """Counts what is open, by tenant. Not thread-safe: the engine calls it under its lock.

    A request is refused when there is no place for it, or when the work that goes before it takes too long
    for its deadline: what is refused at once can be sent elsewhere, what is dropped later has only waited.
    """

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self._shares: dict[TenantId, _Share] = {}
        self._num_requests = 0
        self._num_tokens = 0.0
        self._weight = 0.0  # of all tenants with something open
        self._tokens_per_s = math.inf

    @property
    def num_tenants(self) -> int:
        """Tenants with something open."""
        return len(self._shares)

    def enter(self, request: EngineRequest, now: float) -> None:
        """Count ``request`` as open; raises QueueFull, with when to come back, and counts nothing."""
        share = self._shares.get(request.tenant_id) or _Share(request.weight)
        self._check_places(share)
        self._check_wait(request, share, now)
        if share.num_requests == 0:
            self._shares[request.tenant_id] = share
            self._weight += share.weight
        share.num_requests += 1
        share.num_tokens += request.charged_tokens
        self._num_requests += 1
        self._num_tokens += request.charged_tokens

    def leave(self, request: EngineRequest) -> None:
        """``request`` has ended."""
        share = self._shares[request.tenant_id]
        share.num_requests -= 1
        share.num_tokens -= request.charged_tokens
        self._num_requests -= 1
        self._num_tokens -= request.charged_tokens
        if share.num_requests == 0:
            del self._shares[request.tenant_id]
            self._weight -= share.weight

    def observe_step(self, num_tokens: float, step_s: float, *, is_full: bool) -> None:
        """A batch took ``step_s``. One that was not full shows what is possible at least, no more."""
        if step_s <= 0:
            return
        speed = num_tokens / step_s
        if math.isinf(self._tokens_per_s):
            self._tokens_per_s = speed if is_full else math.inf
        elif is_full or speed > self._tokens_per_s:
            self._tokens_per_s += SMOOTHING * (speed - self._tokens_per_s)

    def _check_places(self, share: _Share) -> None:
        free = self._max_requests - self._num_requests
        if free <= 0 or share.num_requests >= MAX_OPEN_PER_FREE * free:
            raise QueueFull(
                f"{self._num_requests} requests wait, {share.num_requests} of them yours; try again later",
                retry_after_s=_bounded(self._num_tokens / self._tokens_per_s),
            )

    def _check_wait(self, request: EngineRequest, share: _Share, now: float) -> None:
        if self._num_requests == 0:
            return  # nothing is ahead of it: whether it is too late is the deadline's to say
        tokens = request.charged_tokens
        # Ahead of it is all that waits, or less: while its tenant is served, so are the others, by weight.
        ahead = self._num_tokens + tokens
        by_share = (share.num_tokens + tokens) * self._weight_with(share) / share.weight
        wait_s = min(ahead, by_share) / self._tokens_per_s
        allowed_s = MAX_WAIT_SHARE * (request.deadline - now)
        if wait_s > allowed_s:
            raise QueueFull(
                f"about {wait_s:.1f} s of work go before this request; try again later",
                retry_after_s=_bounded(wait_s - allowed_s),
            )

    def _weight_with(self, share: _Share) -> float:
        return self._weight if share.num_requests else self._weight + share.weight


def _bounded(seconds: float) -> float:
    return min(max(seconds, MIN_RETRY_AFTER_S), MAX_RETRY_AFTER_S)
