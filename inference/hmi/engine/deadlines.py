"""Finds requests that are too late, wherever they wait."""

import heapq

from hmi.engine.request import EngineRequest

MIN_SWEPT = 64


class Deadlines:
    """Open requests by deadline; ended ones are soon let go of, whatever theirs was. Engine thread only."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, EngineRequest]] = []
        self._num_added = 0
        self._sweep_at = MIN_SWEPT

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, request: EngineRequest) -> None:
        if len(self._heap) >= self._sweep_at:
            # Each sweep is paid for by as many additions as it leaves entries.
            self._heap = [entry for entry in self._heap if not entry[2].state.is_final]
            heapq.heapify(self._heap)
            self._sweep_at = max(MIN_SWEPT, 2 * len(self._heap))
        self._num_added += 1
        heapq.heappush(self._heap, (request.deadline, self._num_added, request))

    def pop_expired(self, until: float) -> list[EngineRequest]:
        """Requests that are still open with a deadline before ``until``, each once."""
        self._drop_final()
        expired = []
        while self._heap and self._heap[0][0] < until:
            expired.append(heapq.heappop(self._heap)[2])
            self._drop_final()
        return expired

    def next_deadline(self) -> float | None:
        """The earliest deadline of an open request."""
        self._drop_final()
        return self._heap[0][0] if self._heap else None

    def _drop_final(self) -> None:
        while self._heap and self._heap[0][2].state.is_final:
            heapq.heappop(self._heap)
