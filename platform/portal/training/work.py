"""What the runner must know of a kind of job: the one place where trainings and updates of domains differ."""

from typing import Protocol, TypeVar

from portal.training.leases import Lease
from portal.training.models import LeasedJob
from wire.training import Progress

J = TypeVar("J")
R = TypeVar("R")


class StaleJob(Exception):
    """What the job was made from has been deleted, or replaced under an update: its results are void, and it
    begins anew."""


class Work(Protocol[J, R]):
    """One kind of job. Holds no state of a single job; safe to use from several threads."""

    @property
    def model(self) -> type[LeasedJob]:
        """Of its rows."""

    @property
    def name(self) -> str:
        """In sentences: "The {name} stopped."."""

    @property
    def job_type(self) -> type[J]:
        """Of the job file."""

    @property
    def result_type(self) -> type[R]:
        """Of the last line of a process that succeeded."""

    def make_job(self, lease: Lease) -> J:
        """The job file, from the catalog as it is now. Raises LeaseLost, PortalError."""

    def check(self, job: J, result: R) -> None:
        """Raise BrokenProtocol for a result that is not of this job."""

    def show(self, lease: Lease, progress: Progress) -> None:
        """Write down where the job is. Raises LeaseLost."""

    def succeed(self, lease: Lease, job: J, result: R) -> None:
        """Register what came out and end the job, in one transaction. Raises LeaseLost, StaleJob, and
        Cancelled."""

    def is_stale(self, lease: Lease, job: J) -> bool:
        """Would StaleJob be raised now?"""

    def discard(self, job: J) -> None:
        """Delete what a stale job has published. Raises StoreUnavailable."""
