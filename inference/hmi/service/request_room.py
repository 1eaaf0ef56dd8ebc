"""What callers sent counts in the host tier, from its first byte until it is answered."""

from collections.abc import Iterator
from contextlib import contextmanager

from hmi.base.errors import InvalidInput, QueueFull
from hmi.engine.admission import FREE_PER_OPEN
from hmi.memory.budget import Budget
from wire.errors import ErrorCode
from wire.ids import TenantId

REQUESTS = "requests"
COPIES = 6
"""Bytes that a byte of a body takes at most: its texts, in which one rare character makes all take four,
and beside them first the body as it came, then token ids."""
RETRY_AFTER_S = 1.0


class OpenRequest:
    """One request's part of the room; see RequestRoom.hold."""

    def __init__(self, room: "RequestRoom", tenant_id: TenantId) -> None:
        self._room = room
        self._tenant_id = tenant_id
        self.num_bytes = 0

    def grow(self, body_bytes: int) -> None:
        """So much of its body is here. Raises QueueFull, or InvalidInput when it could never fit, and then
        changes nothing."""
        more = COPIES * body_bytes - self.num_bytes
        self._room.take(self._tenant_id, more, before=self.num_bytes)
        self.num_bytes += more


class RequestRoom:
    """The requests' part of the host tier, reserved at once. Event loop only.

    It is shared out as the queue's places are: for every byte of a tenant's other requests FREE_PER_OPEN
    bytes must be free.
    """

    def __init__(self, host: Budget, *, max_bytes: int) -> None:
        self._max_bytes = host.reserve(REQUESTS, max_bytes).num_bytes
        self._used_bytes = 0
        self._of_tenant: dict[TenantId, int] = {}

    @property
    def used_bytes(self) -> int:
        """What the requests that are open may take."""
        return self._used_bytes

    @property
    def max_body_bytes(self) -> int:
        """The largest body that there is room for when nothing else is open."""
        return self._max_bytes // COPIES

    @contextmanager
    def hold(self, tenant_id: TenantId) -> Iterator[OpenRequest]:
        """A request of this tenant, while the block runs."""
        request = OpenRequest(self, tenant_id)
        try:
            yield request
        finally:
            self._give_back(tenant_id, request.num_bytes)

    def take(self, tenant_id: TenantId, more: int, *, before: int) -> None:
        """``more`` bytes for a request that has ``before``; see OpenRequest.grow."""
        if before + more > self._max_bytes:
            raise InvalidInput(
                f"the body is larger than the {self.max_body_bytes} bytes that the service has memory for; "
                "send fewer texts a call",
                code=ErrorCode.BODY_TOO_LARGE,
            )
        of_tenant = self._of_tenant.get(tenant_id, 0)
        others = of_tenant - before  # of the tenant's other requests
        if self._used_bytes + more + FREE_PER_OPEN * others > self._max_bytes:
            raise QueueFull(
                f"requests that are open take too much of the service's memory for them, yours {of_tenant} "
                "bytes; try again later",
                retry_after_s=RETRY_AFTER_S,
            )
        self._of_tenant[tenant_id] = of_tenant + more
        self._used_bytes += more

    def _give_back(self, tenant_id: TenantId, num_bytes: int) -> None:
        left = self._of_tenant.get(tenant_id, 0) - num_bytes
        if left:
            self._of_tenant[tenant_id] = left
        else:
            self._of_tenant.pop(tenant_id, None)
        self._used_bytes -= num_bytes
