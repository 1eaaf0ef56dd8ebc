"""Whose turn it is: no tenant's ten jobs before another's first."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now

from portal.training.models import JobState, LeasedJob

MEMORY = timedelta(days=1)
"""A tenant whose last job began longer ago counts as one that never had any."""
IS_DUE = Q(retry_at=None) | Q(retry_at__lte=Now())
"""It need not wait any longer to be tried again."""
IS_FREE = Q(IS_DUE, state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_expires_at__lt=Now())
"""Nobody works on it, and somebody may: it was never claimed, or its worker is dead."""


def jobs_in_fair_order(model: type[LeasedJob]) -> QuerySet[Any]:
    """The free jobs: first those of the tenant with the fewest running, then of the one whose last job began
    longest ago, then the oldest. Needs the operator's scope."""
    jobs = model.objects.unscoped()
    of_tenant = jobs.filter(tenant=OuterRef("tenant")).order_by().values("tenant")
    running = of_tenant.filter(state=JobState.RUNNING, lease_expires_at__gte=Now())
    begun = of_tenant.filter(started_at__gt=Now() - MEMORY)
    ordered: QuerySet[Any] = (
        jobs.filter(IS_FREE)
        .annotate(
            tenant_running=Coalesce(Subquery(running.annotate(n=Count("pk")).values("n")), 0),
            tenant_began_at=Subquery(begun.annotate(at=Max("started_at")).values("at")),
        )
        .order_by("tenant_running", F("tenant_began_at").asc(nulls_first=True), "created_at", "pk")
    )
    return ordered
