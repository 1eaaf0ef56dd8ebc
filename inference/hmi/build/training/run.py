"""What all phases of a training have in common."""

from dataclasses import dataclass
from pathlib import Path

import torch

from hmi.artifacts.store import Store
from hmi.build.dataset_parts import Parts
from hmi.build.job_progress import JobProgress
from hmi.build.kinds.learning import TrainingKind
from hmi.build.learn_domain import DomainAbove
from hmi.build.training.shared_files import SharedFiles
from hmi.build.training.stopping import Stopping
from hmi.build.work_folder import WorkFolder
from hmi.kinds.answers import answers_of
from hmi.model.backbone import Backbone
from wire.training import TrainJob


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One process's work on a job whose rows are read and split.

    Nothing here changes but the progress: what a phase makes, it returns, and keeps whole in ``work``.
    """

    job: TrainJob
    kind: TrainingKind
    parts: Parts
    above: DomainAbove
    backbone: Backbone
    backbone_folder: Path
    dtype: torch.dtype  # of the upper layers that are trained through, and of computed lower ones
    store: Store
    work: WorkFolder
    shared: SharedFiles
    progress: JobProgress
    stopping: Stopping

    @property
    def reads_tokens(self) -> bool:
        """The head reads every token's state; else their mean."""
        return answers_of(self.job.kind).reads_tokens
