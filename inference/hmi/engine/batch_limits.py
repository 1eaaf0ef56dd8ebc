"""How large one batch may become, and how much of that is spent."""

from dataclasses import dataclass

from wire.ids import TenantId

DEFAULT_ROWS, DEFAULT_TOKENS, DEFAULT_ADAPTERS = 32, 1024, 32
"""In a batch of the service's."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """Bounds of one forward. A single document always fits: the service cuts texts at ``max_tokens``."""

    max_rows: int  # documents
    max_tokens: int
    max_adapters: int  # distinct adapters; at most the device's slots
    max_cold_adapters: int  # of those, how many may have to be promoted to the device first

    def __post_init__(self) -> None:
        for name in ("max_rows", "max_tokens", "max_adapters", "max_cold_adapters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    def part(self, num_rows: int, num_tokens: int) -> float:
        """Of a batch, what so much takes; more than 1 where it does not fit into one."""
        return max(num_rows / self.max_rows, num_tokens / self.max_tokens)


class BatchFill:
    """What one batch under construction has spent of its limits.

    ``max_cold`` is the thrash guard's limit of now. A tenant gets no more than its share of the batch: else
    one that floods would make every step as long as a step can be, for the others as well.
    """

    def __init__(self, limits: BatchLimits, *, max_cold: int) -> None:
        self._limits = limits
        self._max_cold = max_cold
        self._spent: dict[TenantId, tuple[int, int]] = {}  # rows, tokens
        self.num_rows = 0
        self.num_tokens = 0
        self._adapters: set[object] = set()
        self._num_cold = 0

    @property
    def is_full(self) -> bool:
        return self.num_rows >= self._limits.max_rows or self.num_tokens >= self._limits.max_tokens

    def fits(self, num_tokens: int) -> bool:
        """Whether one more document of ``num_tokens`` fits; an empty batch takes any."""
        if self.num_rows == 0:
            return True
        return (
            self.num_rows < self._limits.max_rows and self.num_tokens + num_tokens <= self._limits.max_tokens
        )

    def has_begun(self, tenant_id: TenantId) -> bool:
        """Whether ``tenant_id`` has taken anything; if not, no share of it is too small for one document."""
        return tenant_id in self._spent

    def is_within(self, share: float, tenant_id: TenantId, num_tokens: int) -> bool:
        """Whether one more document of ``num_tokens`` is still within ``tenant_id``'s share."""
        rows, tokens = self._spent[tenant_id]
        return rows < share * self._limits.max_rows and tokens + num_tokens <= share * self._limits.max_tokens

    def part_with(self, tenant_id: TenantId, num_rows: int, num_tokens: int) -> float:
        """Of a batch, what ``tenant_id`` has taken of this one and so much more take together."""
        rows, tokens = self._spent.get(tenant_id, (0, 0))
        return self._limits.part(rows + num_rows, tokens + num_tokens)

    def admits(self, adapter: object, *, is_cold: bool, is_overdue: bool) -> bool:
        """Whether a document with ``adapter`` may join. An overdue one passes the limit on cold adapters."""
        if adapter in self._adapters:
            return True
        if len(self._adapters) >= self._limits.max_adapters:
            return False
        return not is_cold or is_overdue or self._num_cold < self._max_cold

    def spend(self, tenant_id: TenantId, adapter: object, num_tokens: int, *, is_cold: bool) -> None:
        rows, tokens = self._spent.get(tenant_id, (0, 0))
        self._spent[tenant_id] = (rows + 1, tokens + num_tokens)
        if adapter not in self._adapters:
            self._adapters.add(adapter)
            self._num_cold += is_cold
        self.num_rows += 1
        self.num_tokens += num_tokens
