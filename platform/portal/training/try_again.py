"""Failed trainings that can be tried again from where they ended: what they lacked may be there now."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from portal.training.models import JobState, TrainingJob

KEPT_FOR = timedelta(days=1)
"""So long a failed training's folder waits on the worker's disk."""
CAN_BE_TRIED_AGAIN = Q(
    state=JobState.FAILED,
    error__retryable=True,
    finished_at__gt=Now() - KEPT_FOR,
    dataset__isnull=False,
    dataset__deleted_at=None,
)
"""Their folders are kept, and deleted with their dataset."""


def can_be_tried_again(job: TrainingJob) -> bool:
    """Is the job one of these? Asks the database."""
    return TrainingJob.objects.for_tenant(job.tenant).filter(CAN_BE_TRIED_AGAIN, pk=job.pk).exists()
