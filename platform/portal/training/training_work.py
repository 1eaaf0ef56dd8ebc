"""A training as the runner sees it: its job file, what its process may say, and what comes of it."""

from pathlib import Path
from uuid import UUID

from django.db.models import F, Max
from django.db.models.functions import Greatest

from portal.catalog.models import Backbone, Segment
from portal.catalog.services import version_register
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.training.job_files import train_job
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from portal.training.models import JobState, TrainingEvent, TrainingJob
from portal.training.outcomes import MAX_MESSAGE_CHARS, job_end, job_to_succeed
from portal.training.process import BrokenProtocol
from portal.training.selectors import tree_read
from portal.training.state_cache import states_forget
from portal.training.work import StaleJob
from wire.training import Progress, TrainJob, TrainResult


class TrainingWork:
    """See Work."""

    model = TrainingJob
    job_type = TrainJob
    result_type = TrainResult
    name = "training"

    def __init__(self, store: ObjectStore, states: Path) -> None:
        """``states``: the folder where trainings cache what the next may need."""
        self._store = store
        self._states = states

    def make_job(self, lease: Lease) -> TrainJob:
        return train_job(lease)

    def check(self, job: TrainJob, result: TrainResult) -> None:
        tree_uri = job.tree_uri if job.is_domain_shared else job.tree_out_uri
        published = (result.version.uri, result.tree.uri, result.segment.uri)
        if published != (job.version_out_uri, tree_uri, job.segment_out_uri):
            raise BrokenProtocol("the result names other places than the job")
        if result.leaf is not None and not result.leaf.uri.startswith(f"{job.version_out_uri}.leaf-"):
            raise BrokenProtocol("the result's leaf does not stand beside its version")

    def show(self, lease: Lease, progress: Progress) -> None:
        training_progress(lease=lease, progress=progress)

    def succeed(self, lease: Lease, job: TrainJob, result: TrainResult) -> None:
        training_succeed(lease=lease, done=job, result=result)

    def is_stale(self, lease: Lease, job: TrainJob) -> bool:
        """See is_training_stale."""
        with lease_scope(lease):
            return is_training_stale(job)

    def discard(self, job: TrainJob) -> None:
        """Its tree holds what must go; the dataset's own segment stays: it was made from that alone."""
        self._store.delete_beside(job.tree_out_uri)
        self._store.delete_beside(job.version_out_uri)
        states_forget(self._states, job.tenant_id, job.dataset_id)


def training_progress(*, lease: Lease, progress: Progress) -> None:
    """Show where the job is, and add a point to its curve. Raises LeaseLost.

    The share that is done never falls, also where another process repeats what a killed one had not kept.
    """
    shown = {
        "phase": progress.phase.value,
        "step": progress.step,
        "num_steps": progress.num_steps,
        "loss": progress.loss,
        "validation_accuracy": progress.validation_accuracy,
        "message": progress.message[:MAX_MESSAGE_CHARS],
    }
    with lease_scope(lease):
        share = Greatest(F("share"), progress.share or 0.0)
        # Locks the row: its events come in order.
        if not held_by(lease).update(**shown, share=share, eta_s=progress.eta_s):
            raise LeaseLost
        events = TrainingEvent.objects.unscoped().filter(job_id=UUID(lease.job_id))
        last = events.aggregate(last=Max("seq"))["last"] or 0
        assert lease.tenant_id is not None, "a training has a tenant"
        event = TrainingEvent(tenant_id=lease.tenant_id, job_id=lease.job_id, seq=last + 1, **shown)
        event.save(force_insert=True)


def training_succeed(*, lease: Lease, done: TrainJob, result: TrainResult) -> None:
    """Register the version that ``done`` made and end the job, in one transaction.

    Raises LeaseLost, Cancelled, and StaleJob when what it learnt from has been deleted meanwhile.
    """
    with lease_scope(lease):
        job = job_to_succeed(lease, "task", "dataset")
        if job.dataset is None:
            raise RuntimeError(f"job {job.pk} lost its dataset while it was running")
        # Locked: a deletion comes before, and is seen here, or after, and finds the registered tree.
        datasets = Dataset.objects.unscoped().filter(pk__in=[ref.dataset_id for ref in done.segments])
        list(datasets.select_for_update().values_list("pk", flat=True))
        if is_training_stale(done):
            raise StaleJob
        version = version_register(
            task=job.task,
            job_id=job.pk,
            dataset=job.dataset,
            backbone=Backbone.objects.get(digest=done.backbone_digest),
            labels=done.labels,
            parent_digest=done.tree_digest,
            segments=[
                {"dataset": ref.dataset_id, "uri": ref.uri, "digest": ref.digest} for ref in done.segments
            ],
            result=result,
        )
        job_end(
            lease,
            job,
            JobState.SUCCEEDED,
            version=version.pk,
            step=F("num_steps"),
            share=1.0,
            eta_s=0.0,
            error=None,
            # The version's: told last may have been another model's, or nothing by a process that only ended.
            validation_accuracy=result.report.get("validation_accuracy", F("validation_accuracy")),
        )


def is_training_stale(job: TrainJob) -> bool:
    """Has a dataset been deleted since, or the tree that it reads? Needs the scope of the job."""
    wanted = {ref.dataset_id for ref in job.segments}
    standing = Segment.objects.unscoped().filter(
        domain_id=job.domain_id, dataset_id__in=wanted, dataset__deleted_at=None
    )
    return standing.count() < len(wanted) or tree_read(uri=job.tree_uri, digest=job.tree_digest) is None
