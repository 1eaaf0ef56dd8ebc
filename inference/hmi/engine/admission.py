"""Decides at the door whether a request can still be answered in time, and whose turn it is to be refused."""

import math
from dataclasses import dataclass, field

from hmi.base.errors import QueueFull
from hmi.engine.request import EngineRequest, RequestState
from wire.ids import TenantId

FREE_PER_OPEN = 4
"""Places that must be free for every request that a tenant has open already: alone it gets a fifth of all
places, and while others fill the queue, a newcomer still finds room. With fewer, the busiest tenants take the
places as they become free (simulated at three times the capacity: Jain 0.59 at a quarter, 0.94 at 4)."""
MAX_WAIT_SHARE = 0.6
"""Of the time until the deadline, that the work ahead may take: the rest is for what is not foreseen, such as
a processor that others begin to use."""
MIN_RETRY_AFTER_S, MAX_RETRY_AFTER_S = 1.0, 30.0
SPEED_S = 2.0
"""About so far back count steps in the running mean of the speed."""
MAX_STEP_WEIGHT = 0.2
"""Of one step in it, however long it was: one that stalled says little of those that follow."""
ASKED_S = 1.0
"""About so far back counts as of late for what is asked for."""
MIN_LEFT_PER_S = 1e-9
MEASURED_S = 2.0
"""How long a tenant must have been waiting before the pace at which it is served says something; what is
answered sooner did not wait."""


class _AskedPace:
    """Tokens a second that were asked for of late, admitted or not."""

    def __init__(self) -> None:
        self._tokens_per_s = 0.0
        self._counted = 0.0

    def count(self, num_tokens: int, now: float) -> float:
        """``num_tokens`` more are asked for; what was asked for before them."""
        before = self._tokens_per_s * math.exp((self._counted - now) / ASKED_S)
        self._tokens_per_s = before + num_tokens / ASKED_S
        self._counted = now
        return before


@dataclass(slots=True)
class _Share:
    """What one tenant has open, and what it was answered since it began to wait for its answers: before, its
    pace is what it asked for, and says nothing of how fast it can be served."""

    weight: float
    since: float
    asked: _AskedPace = field(default_factory=_AskedPace)
    num_requests: int = 0
    num_tokens: float = 0.0
    num_answered_tokens: float = 0.0
    has_waited: bool = False  # since then

    def own_wait_s(self, num_tokens: float, now: float) -> float:
        """How long its own requests take at the pace of late; 0 while that is not known."""
        elapsed = now - self.since
        if elapsed < MEASURED_S or self.num_answered_tokens == 0:
            return 0.0
        return num_tokens * elapsed / self.num_answered_tokens

    def count_answered(self, num_tokens: float, now: float, *, open_s: float) -> None:
        # The first that had to wait begins the measure: it may have waited for one stall, or for its model.
        if open_s < MEASURED_S or not self.has_waited:
            self.since, self.num_answered_tokens, self.has_waited = now, 0.0, open_s >= MEASURED_S
            return
        self.num_answered_tokens += num_tokens
        if now - self.since > 2 * MEASURED_S:
            # Half is forgotten now and then, so that the pace is that of late.
            self.num_answered_tokens /= 2
            self.since += (now - self.since) / 2


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
        self._asked = _AskedPace()

    @property
    def num_tenants(self) -> int:
        """Tenants with something open."""
        return len(self._shares)

    def enter(self, request: EngineRequest, now: float) -> None:
        """Count ``request`` as open; raises QueueFull, with when to come back, and counts nothing."""
        share = self._shares.get(request.tenant_id) or _Share(request.weight, since=now)
        self._weight += request.weight - share.weight  # its plan may have changed while it had something open
        share.weight = request.weight
        num_tokens = request.documents.num_tokens
        others_ask_per_s = self._asked.count(num_tokens, now) - share.asked.count(num_tokens, now)
        self._check_places(share)
        self._check_wait(request, share, now, others_ask_per_s)
        if share.num_requests == 0:
            self._shares[request.tenant_id] = share
            self._weight += share.weight
        share.num_requests += 1
        share.num_tokens += num_tokens
        self._num_requests += 1
        self._num_tokens += num_tokens

    def leave(self, request: EngineRequest, now: float) -> None:
        """``request`` has ended, answered or not."""
        share = self._shares[request.tenant_id]
        if request.state is RequestState.DONE:
            share.count_answered(request.documents.num_tokens, now, open_s=now - request.submitted)
        share.num_requests -= 1
        share.num_tokens -= request.documents.num_tokens
        self._num_requests -= 1
        self._num_tokens -= request.documents.num_tokens
        if share.num_requests == 0:
            del self._shares[request.tenant_id]
            self._weight -= share.weight

    def observe_step(self, num_tokens: float, step_s: float, *, is_full: bool) -> None:
        """A batch took ``step_s``. One that was not full, for which that is all the time since it began,
        shows what is possible at least, no more."""
        if step_s <= 0:
            return
        speed = num_tokens / step_s
        if math.isinf(self._tokens_per_s):
            self._tokens_per_s = speed if is_full else math.inf
        elif is_full:
            # By time: of two that end together the second has taken none, and is no faster for it.
            self._tokens_per_s += min(step_s / SPEED_S, MAX_STEP_WEIGHT) * (speed - self._tokens_per_s)
        elif speed > self._tokens_per_s:
            self._tokens_per_s += MAX_STEP_WEIGHT * (speed - self._tokens_per_s)

    def _check_places(self, share: _Share) -> None:
        free = self._max_requests - self._num_requests
        if free <= 0 or free < FREE_PER_OPEN * share.num_requests:
            raise QueueFull(
                f"too many requests wait, {share.num_requests} of them yours; try again later",
                retry_after_s=retry_after_s(self._num_tokens / self._tokens_per_s),
            )

    def _check_wait(self, request: EngineRequest, share: _Share, now: float, others_ask_per_s: float) -> None:
        if self._num_requests == 0:
            return  # nothing is ahead of it: whether it is too late is the deadline's to say
        tokens = request.documents.num_tokens
        own = share.num_tokens + tokens
        # At most, all goes before it that is open, and what others ask for until that is done; when they ask
        # for as much as is done, there is no end to that. But while its tenant is served, so are the others,
        # by weight.
        left_per_s = max(self._tokens_per_s - others_ask_per_s, MIN_LEFT_PER_S)
        by_turns_s = own * self._weight_with(share) / share.weight / self._tokens_per_s
        wait_s = min((self._num_tokens + tokens) / left_per_s, by_turns_s)
        wait_s = max(wait_s, share.own_wait_s(own, now))
        allowed_s = MAX_WAIT_SHARE * (request.deadline - now)
        if wait_s > allowed_s:
            raise QueueFull(
                f"about {wait_s:.1f} s of work go before this request; try again later",
                retry_after_s=retry_after_s(wait_s - allowed_s),
            )

    def _weight_with(self, share: _Share) -> float:
        return self._weight if share.num_requests else self._weight + share.weight


def retry_after_s(seconds: float) -> float:
    """``seconds`` within what is sensible to tell a caller."""
    return min(max(seconds, MIN_RETRY_AFTER_S), MAX_RETRY_AFTER_S)
