"""Keeps the device computing when more adapters are wanted than it has slots."""

MAX_PLACING_SHARE = 0.2
"""Of a step's time, for bringing adapters to the device."""


class ThrashGuard:
    """How many adapters a batch may bring to the device: fewer while bringing takes too much of the time.

    Halved by a step that spent too large a share on it, one more after a step that did not, never under one.
    Adapters that are left behind gather more work for one promotion; they are not left behind for ever.
    """

    def __init__(self, max_cold_adapters: int) -> None:
        self._max_cold_adapters = max_cold_adapters
        self.max_cold = max_cold_adapters

    def observe(self, *, placing_s: float, step_s: float) -> None:
        """One step took ``step_s``, of which ``placing_s`` went into bringing adapters."""
        if placing_s > MAX_PLACING_SHARE * step_s:
            self.max_cold = max(1, self.max_cold // 2)
        else:
            self.max_cold = min(self._max_cold_adapters, self.max_cold + 1)
