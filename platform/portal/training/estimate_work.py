"""An estimate as the runner sees it: a training's job file, a probe, and a row that keeps the answer."""

from portal.common.errors import NotFound
from portal.training.job_files import train_job
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from portal.training.models import JobState, TrainingEstimate
from portal.training.outcomes import MAX_MESSAGE_CHARS, job_end, job_to_succeed
from portal.training.training_work import is_training_stale
from wire.codec import to_plain
from wire.training import EstimateResult, Progress, TrainJob


class EstimateWork:
    """See Work."""

    model = TrainingEstimate
    job_type = TrainJob
    result_type = EstimateResult
    name = "estimate"

    def make_job(self, lease: Lease) -> TrainJob:
        """Raises NotFound as well: nothing keeps a dataset from being deleted meanwhile."""
        with lease_scope(lease):
            if not held_by(lease).filter(dataset__deleted_at=None, dataset__isnull=False).exists():
                raise NotFound("dataset")
        return train_job(lease)

    def check(self, job: TrainJob, result: EstimateResult) -> None:
        """It names nothing."""

    def show(self, lease: Lease, progress: Progress) -> None:
        with lease_scope(lease):
            message = progress.message[:MAX_MESSAGE_CHARS]
            if not held_by(lease).update(phase=progress.phase.value, message=message, eta_s=progress.eta_s):
                raise LeaseLost

    def succeed(self, lease: Lease, job: TrainJob, result: EstimateResult) -> None:
        plain = to_plain(result)
        del plain["event"]
        with lease_scope(lease):
            job_end(lease, job_to_succeed(lease), JobState.SUCCEEDED, result=plain, eta_s=0.0, error=None)

    def is_stale(self, lease: Lease, job: TrainJob) -> bool:
        """As a training's: a tree that must be forgotten is no longer read."""
        with lease_scope(lease):
            return is_training_stale(job)

    def discard(self, job: TrainJob) -> None:
        """It publishes nothing."""
