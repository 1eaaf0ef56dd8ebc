"""How fast the models of waiting requests come near."""

SMOOTHING = 0.2
"""Weight of the newest arrivals in the running mean."""


class LoadPace:
    """Learns while models are awaited; then tells how long a further one would take. Engine thread only."""

    def __init__(self) -> None:
        self._since = 0.0
        self._model_s: float | None = None

    def begin(self, now: float) -> None:
        """From now on models are awaited; before, there were none."""
        self._since = now

    def observe(self, num_arrived: int, now: float, *, are_more_awaited: bool) -> None:
        """``num_arrived`` came since the last call. When none are left, loaders may have rested meanwhile."""
        model_s = (now - self._since) / num_arrived
        self._since = now
        if self._model_s is None:
            self._model_s = model_s if are_more_awaited else None
        elif are_more_awaited or model_s < self._model_s:
            self._model_s += SMOOTHING * (model_s - self._model_s)

    def wait_s(self, num_awaited: int) -> float:
        """How long a model takes with ``num_awaited`` before it; 0 while that is not known."""
        return 0.0 if num_awaited == 0 or self._model_s is None else (num_awaited + 1) * self._model_s
