"""One forward's worth of documents, of any mix of tenants."""

from dataclasses import dataclass, field
from typing import Self

from hmi.engine.request import EngineRequest, HplmRef
from wire.ids import Digest, TenantId


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Documents first..last-1 of one request."""

    request: EngineRequest
    first: int
    last: int

    @property
    def num_documents(self) -> int:
        return self.last - self.first

    @property
    def num_tokens(self) -> int:
        return self.request.tokens_between(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Batch:
    """The parts of one forward, in the order in which the scheduler chose them."""

    parts: tuple[BatchPart, ...]
    num_rows: int = field(init=False)
    num_tokens: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "num_rows", sum(part.num_documents for part in self.parts))
        object.__setattr__(self, "num_tokens", sum(part.num_tokens for part in self.parts))

    @property
    def hplms(self) -> tuple[HplmRef, ...]:
        """The distinct models of the batch, in order of first use."""
        return tuple(dict.fromkeys(part.request.hplm for part in self.parts))


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """Composition of a batch that ran: for metrics, and for tests that must prove what was mixed."""

    num_rows: int
    num_tokens: int
    tenants: frozenset[TenantId]
    adapters: frozenset[Digest]
    placing_ms: float  # leases, and copies of what was not on the device
    retrieve_ms: float
    compute_ms: float

    @classmethod
    def of(cls, batch: Batch, *, placing_ms: float, retrieve_ms: float, compute_ms: float) -> Self:
        return cls(
            num_rows=batch.num_rows,
            num_tokens=batch.num_tokens,
            tenants=frozenset(part.request.tenant_id for part in batch.parts),
            adapters=frozenset(part.request.hplm.adapter.digest for part in batch.parts),
            placing_ms=placing_ms,
            retrieve_ms=retrieve_ms,
            compute_ms=compute_ms,
        )
