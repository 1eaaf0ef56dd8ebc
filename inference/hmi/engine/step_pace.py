"""When the batch that is computed will have ended, so that the next one is chosen in time and no sooner."""

import math

STEP_TOKENS = 200
"""A step takes about as long as so many tokens, besides its own."""
SMOOTHING = 0.2
"""Weight of the newest batch in the running means."""
SPARE = 1.25
"""Times as long as choosing took of late, for it to be done in time nearly always: a device that waits loses
more than a choice that is made a little early."""


class StepPace:
    """Learns from each batch how long its two stages take. Engine thread only."""

    def __init__(self) -> None:
        self._token_s: float | None = None
        self._prepare_s = 0.0

    def observe_prepare(self, prepare_s: float) -> None:
        """A batch took ``prepare_s`` to be chosen, placed and looked up."""
        self._prepare_s += SMOOTHING * (prepare_s - self._prepare_s)

    def observe_compute(self, num_tokens: int, compute_s: float) -> None:
        """A batch of ``num_tokens`` took ``compute_s`` to be computed."""
        token_s = compute_s / (num_tokens + STEP_TOKENS)
        if self._token_s is None:
            self._token_s = token_s
        else:
            self._token_s += SMOOTHING * (token_s - self._token_s)

    def next_s(self, num_tokens: int) -> float:
        """How long after the computing of a batch of ``num_tokens`` has begun the next one is to be chosen;
        while nothing is known, not before it has ended."""
        if self._token_s is None:
            return math.inf
        return max(0.0, self._token_s * (num_tokens + STEP_TOKENS) - SPARE * self._prepare_s)
