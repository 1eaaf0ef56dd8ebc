"""A training's progress events: phases, steps and the time left to the end of the whole job."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from hmi.build.planned_work import At, Stage
from wire.training import Phase, Progress

MIN_INTERVAL_S = 0.25  # between two events of one phase: a fast phase does not flood the log
MAX_INTERVAL_S = 1.5  # silence after which the state is said again
_TRAINS = (Phase.SEARCHING, Phase.COMPARING, Phase.TRAINING, Phase.TRYING_LEAF)


@dataclass(slots=True)
class _Figures:
    """What was heard last of the model that a phase trains."""

    loss: float | None = None
    validation_accuracy: float | None = None


class JobProgress:
    """Turns work done into Progress events. Work is counted in units of one layer over one token, forward.

    Owned by the thread that trains; inside ``with`` a daemon thread repeats the last state when the owner is
    busy in one long step, so that whoever listens hears something at least every two seconds.
    """

    def __init__(
        self, emit: Callable[[Progress], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._emit = emit
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._work: dict[At, float] = {}  # of what is under way, and of what is to come
        self._planned = 0.0  # units of the whole job
        self._share = 0.0  # of them that are done
        self._worked = 0.0  # units finished by this process, of what is over
        self._began_s = monotonic()
        self._last_s = float("-inf")
        self._at: At = Phase.STARTING
        self._step = 0
        self._num_steps = 0
        self._first_step = 0  # steps that an earlier, killed process has done
        self._figures = {phase: _Figures() for phase in _TRAINS}
        self._serves = Phase.TRAINING
        self._message = "starting"

    def __enter__(self) -> "JobProgress":
        threading.Thread(target=self._repeat, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def plan(self, work: Mapping[At, float]) -> None:
        """Units that what is to come will cost, in the order in which it comes; what is not named costs
        nothing worth counting."""
        with self._lock:
            self._work = dict(work)
            self._planned = sum(work.values())
            self._worked = 0.0
            self._began_s = self._monotonic()

    def enter(self, at: At, message: str, *, num_steps: int = 0, first_step: int = 0) -> None:
        """Begin it, and end all that was planned to come before; ``first_step`` > 0 when an earlier process
        has done that many of its steps."""
        with self._lock:
            self._leave(at)
            self._at, self._message = at, message
            self._num_steps, self._step, self._first_step = num_steps, first_step, first_step
            self._say()

    def advance(
        self,
        step: int,
        *,
        num_steps: int | None = None,
        loss: float | None = None,
        validation_accuracy: float | None = None,
        message: str | None = None,
    ) -> None:
        """``step`` steps are done. A message or a validation is said at once, the rest when it is time."""
        with self._lock:
            self._step = step
            self._num_steps = self._num_steps if num_steps is None else num_steps
            figures = self._shown()
            figures.loss = figures.loss if loss is None else loss
            news = (message is not None and message != self._message) or validation_accuracy is not None
            if validation_accuracy is not None:
                figures.validation_accuracy = validation_accuracy
            if message is not None:
                self._message = message
            if news or step >= self._num_steps or self._monotonic() - self._last_s >= MIN_INTERVAL_S:
                self._say()

    def serve(self, trained_in: Phase) -> None:
        """What that phase has trained is what will serve; TRAINING's until then."""
        with self._lock:
            self._serves = trained_in

    def seconds_for(self, *phases: Phase) -> float:
        """What these phases to come will take, at the pace so far; 0 while there is none to go by."""
        with self._lock:
            done = self._done()
            if done <= 0.0:
                return 0.0
            work = sum(units for at, units in self._work.items() if _phase_of(at) in phases)
            return work * (self._monotonic() - self._began_s) / done

    def beat(self) -> None:
        """Say the state again if nothing was said for a while."""
        with self._lock:
            if self._monotonic() - self._last_s >= MAX_INTERVAL_S:
                self._say()

    def _repeat(self) -> None:
        while not self._closed.wait(MAX_INTERVAL_S / 3):
            self.beat()

    def _leave(self, following: At) -> None:
        self._worked = self._done()
        if following in self._work:
            for at in list(self._work):
                if at == following:
                    break
                del self._work[at]
        else:
            self._work.pop(self._at, None)

    def _share_by_this_process(self) -> float:
        """Share of the work under way that this process has done: nothing of what it found done, nor of steps
        that a training spares by ending early."""
        return (self._step - self._first_step) / self._num_steps if self._num_steps else 0.0

    def _shown(self) -> _Figures:
        """Of the phase's own model; where none is trained, of the one that will serve."""
        return self._figures.get(_phase_of(self._at), self._figures[self._serves])

    def _say(self) -> None:
        now = self._monotonic()
        self._last_s = now
        if self._planned:
            self._share = max(self._share, 1 - self._left() / self._planned)
        figures = self._shown()
        self._emit(
            Progress(
                phase=_phase_of(self._at),
                step=self._step,
                num_steps=self._num_steps,
                loss=figures.loss,
                validation_accuracy=figures.validation_accuracy,
                eta_s=self._eta_s(now),
                message=self._message,
                share=round(self._share, 4) if self._planned else None,
            )
        )

    def _done(self) -> float:
        """Units that this process has worked."""
        return self._worked + self._work.get(self._at, 0.0) * self._share_by_this_process()

    def _left(self) -> float:
        """Units to the end of the job."""
        share = self._step / self._num_steps if self._num_steps else 0.0
        return sum(self._work.values()) - self._work.get(self._at, 0.0) * share

    def _eta_s(self, now: float) -> float | None:
        done = self._done()
        if done <= 0.0 or now <= self._began_s:
            return None
        return round(self._left() * (now - self._began_s) / done, 1)


def _phase_of(at: At) -> Phase:
    return at.phase if isinstance(at, Stage) else at
