"""Works on one job, whosever turn it is."""

from typing import Any

from portal.training.leases import job_claim
from portal.training.runner import RunnerConfig, run_lease
from portal.training.work import Work
from wire.ids import JobId


def run_job(work: Work[Any, Any], job_id: JobId, config: RunnerConfig) -> None:
    """As a worker whose turn this job is; nothing when it is not free."""
    lease = job_claim(work.model, job_id=job_id, lease_s=config.lease_s)
    if lease is not None:
        run_lease(work, lease, config)
