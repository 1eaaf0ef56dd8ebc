"""The engine's bounds."""

from dataclasses import dataclass

from hmi.engine.batch_limits import BatchLimits

DEFAULT_REQUESTS = 1024
"""Of the service's, that wait at most."""
DEFAULT_DEADLINE_S = 30.0
"""By which a request of the service's is answered, or dropped."""
DEFAULT_PASSED_OVER = 4
"""Batches that may leave a request behind because its adapter is cold."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What one engine accepts at most."""

    limits: BatchLimits
    max_requests: int  # submitted and not yet answered; more are refused with queue_full
    max_passed_over: int = DEFAULT_PASSED_OVER

    def __post_init__(self) -> None:
        if self.max_requests < 1:
            raise ValueError(f"max_requests must be at least 1, got {self.max_requests}")
        if self.max_passed_over < 0:
            raise ValueError(f"max_passed_over cannot be negative, got {self.max_passed_over}")


def forwards_at_a_time(device: str, num_threads: int) -> int:
    """Batches that the service computes beside each other, unless it is told how many."""
    return min(2, num_threads) if device == "cpu" else 1
