"""How fast the models of waiting requests come near."""

import math

SMOOTHING = 0.2
"""Weight of the newest arrivals in the running mean."""


class LoadPace:
    """Learns while models are awaited; then tells how long a further one would take. Engine thread only."""

    def __init__(self) -> None:
        self._arrived = -math.inf
        self._model_s: float | None = None

    def observe(self, num_arrived: int, now: float, *, awaited_since: float, are_more_awaited: bool) -> None:
        """``num_arrived`` came since the last call, the first of them awaited since then: before, loaders may
        have rested, whoever else is awaited. And they may have meanwhile, when no more are."""
        model_s = (now - max(awaited_since, self._arrived)) / num_arrived
        self._arrived = now
        if self._model_s is None:
            self._model_s = model_s if are_more_awaited else None
        elif are_more_awaited or model_s < self._model_s:
            self._model_s += SMOOTHING * (model_s - self._model_s)

    def wait_s(self, num_awaited: int) -> float:
        """How long a model takes with ``num_awaited`` before it; 0 while that is not known."""
        return 0.0 if num_awaited == 0 or self._model_s is None else (num_awaited + 1) * self._model_s
