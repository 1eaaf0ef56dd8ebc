"""Jobs that a worker holds under a lease, trainings among them, and the history of a training's progress."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.common.models import TenantManager, TenantOwned
from portal.common.queue import JobName


class JobState(models.TextChoices):
    """QUEUED -> RUNNING -> SUCCEEDED | FAILED | CANCELLED, with PAUSED aside; moves in training.states.

    A training that FAILED by what passes may be QUEUED again: see training.try_again.
    """

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED)


def _empty_dict() -> dict[str, Any]:
    return {}


class LeasedJob(models.Model):
    """What every job that runs as a process under a lease has: see leases, runner and reaper.

    A subclass also has ``tenant``, which is null where a job concerns no tenant alone.
    """

    kind: ClassVar[str]  # as the audit log and the work folder name it
    job_name: ClassVar[JobName]  # of the message that calls for a worker

    state = models.CharField(max_length=16, choices=JobState, default=JobState.QUEUED)
    phase = models.CharField(max_length=32, blank=True, default="")
    step = models.PositiveIntegerField(default=0)
    num_steps = models.PositiveIntegerField(default=0)
    eta_s = models.FloatField(null=True)
    message = models.CharField(max_length=500, blank=True, default="")
    share = models.FloatField(default=0.0)  # done of the whole job's expected work, as far as it is reckoned;
    # never falls
    claimed_share = models.FloatField(default=0.0)  # when the last attempt began
    # {"code": str, "message": str}, and "retryable": true where trying again can help; of a queued job: why
    # its last attempt ended
    error = models.JSONField(null=True)
    attempt = models.PositiveIntegerField(default=0)  # without those that brought the job forward
    retry_at = models.DateTimeField(null=True)  # before, a queued job is not claimed
    lease_owner = models.CharField(max_length=200, null=True)
    lease_expires_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    enqueued_at = models.DateTimeField(default=timezone.now)  # when a message to take it up was last sent
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    peak_bytes = models.BigIntegerField(
        null=True
    )  # of memory, as its process was last seen; mapped files aside

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True


class TrainingJob(TenantOwned, LeasedJob):
    """One training of a task on a dataset. At most one a task is unfinished."""

    kind = "training"
    job_name = JobName.TRAINING_RUN

    task = models.ForeignKey("catalog.Task", on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", null=True, on_delete=models.SET_NULL, related_name="+")
    # What the work folder's job reads: kept until the job has ended, unless it must be forgotten.
    tree = models.ForeignKey("catalog.TreeVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    recipe = models.JSONField(default=_empty_dict)
    loss = models.FloatField(null=True)
    validation_accuracy = models.FloatField(null=True)
    version = models.UUIDField(null=True)  # of the AdapterVersion that came out of it
    memory_bytes = models.BigIntegerField(null=True)  # that it is reckoned at; null: nothing is known yet

    class Meta:
        db_table = "training_job"
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(state__in=["queued", "running", "paused"]),
                name="training_job_one_unfinished",
            ),
        ]
        indexes = [
            models.Index(fields=["task", "-created_at"], name="training_job_task"),
            models.Index(fields=["tenant", "-started_at"], name="training_job_tenant"),
            models.Index(
                fields=["state", "lease_expires_at"],
                condition=Q(state__in=["queued", "running"]),
                name="training_job_unfinished",
            ),
        ]


class TrainingEstimate(TenantOwned, LeasedJob):
    """What a training would take and give; answered by a probe in minutes at most, and never changed."""

    kind = "estimate"
    job_name = JobName.ESTIMATE_RUN

    task = models.ForeignKey("catalog.Task", on_delete=models.CASCADE, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", null=True, on_delete=models.SET_NULL, related_name="+")
    # What the work folder's job reads: kept until the job has ended, unless it must be forgotten.
    tree = models.ForeignKey("catalog.TreeVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    recipe = models.JSONField(default=_empty_dict)
    result = models.JSONField(null=True)  # wire.training.EstimateResult

    class Meta:
        db_table = "training_estimate"
        indexes = [
            models.Index(fields=["task", "-created_at"], name="training_estimate_task"),
            models.Index(fields=["tenant", "-started_at"], name="training_estimate_tenant"),
        ]


class AdapterImport(TenantOwned, LeasedJob):
    """An adapter in PEFT's format that a tenant brings for a task. At most one a task is unfinished."""

    kind = "import"
    job_name = JobName.IMPORT_RUN

    task = models.ForeignKey("catalog.Task", on_delete=models.CASCADE, related_name="+")
    # Whose rows answers are compared on; null: those that came with the adapter.
    dataset = models.ForeignKey("datasets.Dataset", null=True, on_delete=models.SET_NULL, related_name="+")
    needs_dataset = models.BooleanField(default=False)
    # What the work folder's job reads: kept until the job has ended, unless it must be forgotten.
    tree = models.ForeignKey("catalog.TreeVersion", null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=200)
    archive_uri = models.CharField(max_length=300)
    num_bytes = models.BigIntegerField()
    min_agreement = models.FloatField()
    passed = models.BooleanField(null=True)  # the parity test; null: it has not ended
    version = models.UUIDField(null=True)  # of the AdapterVersion that came out of it

    class Meta:
        db_table = "adapter_import"
        constraints = [
            models.UniqueConstraint(
                fields=["task"],
                condition=Q(state__in=["queued", "running", "paused"]),
                name="adapter_import_one_unfinished",
            ),
        ]
        indexes = [
            models.Index(fields=["task", "-created_at"], name="adapter_import_task"),
            models.Index(fields=["tenant", "-started_at"], name="adapter_import_tenant"),
        ]


class TrainingEvent(TenantOwned):
    """One point of a job's curve: at most one a second, and every validation."""

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    phase = models.CharField(max_length=32)
    step = models.PositiveIntegerField()
    num_steps = models.PositiveIntegerField()
    loss = models.FloatField(null=True)
    validation_accuracy = models.FloatField(null=True)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "training_event"
        constraints = [models.UniqueConstraint(fields=["job", "seq"], name="training_event_seq")]
