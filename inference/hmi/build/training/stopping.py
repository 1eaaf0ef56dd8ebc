"""What ends a training before its last step: a pause, a cancellation, or the time that it may take."""

from dataclasses import dataclass

from hmi.build.adapter_trainer import Order
from hmi.build.interruption import Interruption
from hmi.build.job_progress import JobProgress
from hmi.build.spend_cap import SpendCap
from wire.training import Phase

_AFTER = {
    Phase.SEARCHING: (Phase.COMPARING, Phase.TRAINING, Phase.EVALUATING),
    Phase.COMPARING: (Phase.TRAINING, Phase.EVALUATING),
    Phase.TRAINING: (Phase.EVALUATING,),
    Phase.TRYING_LEAF: (Phase.EVALUATING,),
}
"""What a phase must leave time for under a cap, where it is still to come."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """Who may end it, and how much is still to come."""

    interruption: Interruption
    cap: SpendCap
    progress: JobProgress

    def order(self, phase: Phase) -> Order:
        """For a trainer that has done a step of ``phase``."""
        if self.interruption.is_asked:
            return Order.LEAVE
        is_over = self.cap.is_reached(still_to_come_s=self.progress.seconds_for(*_AFTER[phase]))
        return Order.FINISH if is_over else Order.GO_ON

    def has_time_for(self, phase: Phase) -> bool:
        """And for what comes after it."""
        to_come_s = self.progress.seconds_for(phase, *_AFTER[phase])
        return not self.cap.is_reached(still_to_come_s=to_come_s)
