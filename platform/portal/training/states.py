"""The one function that moves a job from state to state."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from portal.training.models import JobState

SOURCES: Mapping[JobState, tuple[JobState, ...]] = {
    # Its process or worker died, it was paused, or it failed by what passes: it goes on.
    JobState.QUEUED: (JobState.RUNNING, JobState.PAUSED, JobState.FAILED),
    JobState.PAUSED: (JobState.QUEUED, JobState.RUNNING),
    JobState.RUNNING: (JobState.QUEUED, JobState.RUNNING),  # from RUNNING: another worker takes over
    JobState.SUCCEEDED: (JobState.RUNNING,),
    JobState.FAILED: (JobState.RUNNING,),
    JobState.CANCELLED: (JobState.QUEUED, JobState.RUNNING, JobState.PAUSED),
}


def job_move(jobs: QuerySet[Any], to: JobState, **changes: Any) -> bool:
    """Compare-and-set: move the one job that ``jobs`` picks; False when it is not in a state before ``to``.

    ``jobs`` may pick by lease as well, so that only its holder moves the job.
    """
    return jobs.filter(state__in=SOURCES[to]).update(state=to, **changes) == 1
