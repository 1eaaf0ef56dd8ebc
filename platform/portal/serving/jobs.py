"""Background jobs of deployments; each may run twice without harm."""

from celery import shared_task
from django.utils import timezone

from portal.common.queue import JobName
from portal.serving import drift_alarms, trials


@shared_task(name=JobName.TRIALS_JUDGE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def trials_judge() -> None:
    """Promote or roll back the versions on trial on which the verdict is there."""
    trials.trials_judge()


@shared_task(name=JobName.DRIFT_WATCH.value)  # type: ignore[untyped-decorator]  # Celery has no types
def drift_watch() -> None:
    """Begin and end the alarms of drift."""
    drift_alarms.drift_watch(now=timezone.now())
