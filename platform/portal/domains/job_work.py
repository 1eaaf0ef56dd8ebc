"""Updates and suggestions as the runner of jobs sees them."""

from django.db.models import QuerySet

from portal.catalog.models import Backbone, TreeVersion
from portal.catalog.services import tree_register
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.domains import models
from portal.domains.following import Tried, tree_bring_back, tree_follow
from portal.domains.job_files import suggest_job, update_job
from portal.domains.selectors import contributions_of, is_allowed, keeps_rule
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from portal.training.models import JobState
from portal.training.outcomes import MAX_MESSAGE_CHARS, job_end, job_to_succeed
from portal.training.process import BrokenProtocol
from portal.training.work import StaleJob
from wire.artifacts import BundleRef
from wire.codec import to_plain
from wire.domains import DomainJob, DomainResult, SuggestJob, SuggestResult
from wire.training import Progress


def domain_progress(lease: Lease, progress: Progress) -> None:
    """Show where the job is. Raises LeaseLost."""
    shown = {
        "phase": progress.phase.value,
        "step": progress.step,
        "num_steps": progress.num_steps,
        "message": progress.message[:MAX_MESSAGE_CHARS],
        "eta_s": progress.eta_s,
    }
    with lease_scope(lease):
        if not held_by(lease).update(**shown):
            raise LeaseLost


class SuggestWork:
    """See Work."""

    model = models.DomainJob
    job_type = SuggestJob
    result_type = SuggestResult
    name = "search for a domain"

    def make_job(self, lease: Lease) -> SuggestJob:
        return suggest_job(lease)

    def check(self, job: SuggestJob, result: SuggestResult) -> None:
        known = {None, *(domain.domain_id for domain in job.domains)}
        parts = result.split.parts if result.split is not None else ()
        measured = {one.domain_id for one in result.coverages}
        if not {result.best, *measured, *(part.domain_id for part in parts)} <= known:
            raise BrokenProtocol("the result names other domains than the job")

    def show(self, lease: Lease, progress: Progress) -> None:
        domain_progress(lease, progress)

    def succeed(self, lease: Lease, job: SuggestJob, result: SuggestResult) -> None:
        with lease_scope(lease):
            job_end(lease, job_to_succeed(lease), JobState.SUCCEEDED, result=to_plain(result), eta_s=0.0)

    def is_stale(self, lease: Lease, job: SuggestJob) -> bool:
        """Is a tree that is being read about to go?"""
        with lease_scope(lease):
            digests = {job.general.digest, *(domain.tree.digest for domain in job.domains)}
            live = TreeVersion.objects.unscoped().filter(digest__in=digests, destroyed_at=None)
            return set(live.values_list("digest", flat=True)) != digests

    def discard(self, job: SuggestJob) -> None:
        """It publishes nothing."""


class UpdateWork:
    """See Work."""

    model = models.DomainJob
    job_type = DomainJob
    result_type = DomainResult
    name = "update"

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def make_job(self, lease: Lease) -> DomainJob:
        return update_job(lease)

    def check(self, job: DomainJob, result: DomainResult) -> None:
        tasks = tuple(task.task_id for task in job.tasks)
        if result.tree.uri != job.tree_out_uri or tuple(v.task_id for v in result.verdicts) != tasks:
            raise BrokenProtocol("the result is of another job")

    def show(self, lease: Lease, progress: Progress) -> None:
        domain_progress(lease, progress)

    def succeed(self, lease: Lease, job: DomainJob, result: DomainResult) -> None:
        """Register the tree; replace what may not be served, move who does not lose, hold the others."""
        with lease_scope(lease):
            row = job_to_succeed(lease, "domain__tenant", "brings_back__domain")
            contributed = [one.dataset_id for one in job.contributions if one.tenant_id is not None]
            # Locked: a deletion comes before, and is seen here, or after, and finds the registered tree.
            list(Dataset.objects.unscoped().filter(pk__in=contributed).select_for_update().values_list("pk"))
            if _is_stale(row, job):
                raise StaleJob
            verdicts = {
                Tried(task.task_id, task.version.digest, task.tree.digest): verdict
                for task, verdict in zip(job.tasks, result.verdicts, strict=True)
            }
            if row.brings_back is not None:
                tree_bring_back(row.brings_back, verdicts, actor=f"job:{row.pk}")
                ended = {"result": to_plain(result), "tree": row.brings_back}
                job_end(lease, row, JobState.SUCCEEDED, **ended, eta_s=0.0, error=None)
                return
            tree = tree_register(
                domain=row.domain,
                backbone=Backbone.objects.get(digest=job.backbone.digest),
                bundle=result.tree,
                parent=_live(job.parent).get(),
                segments=[
                    {"dataset": one.dataset_id, "uri": one.uri, "digest": one.digest}
                    for one in job.contributions
                    if one.tenant_id is not None
                ],
                # A shared tree is seen by all, and how its tenants' tasks fare is not for others.
                coverage={
                    "diff": to_plain(result.diff),
                    "verdicts": to_plain(result.verdicts) if row.domain.tenant_id is not None else [],
                    "min_tenants": job.min_tenants,
                },
            )
            tree_follow(tree, verdicts, actor=f"job:{row.pk}")
            for tenant_id, share in result.private_shares.items():
                models.Contribution.objects.unscoped().filter(
                    domain=row.domain, tenant_id=tenant_id, revoked_at=None
                ).update(private_share=share)
            job_end(lease, row, JobState.SUCCEEDED, result=to_plain(result), tree=tree, eta_s=0.0, error=None)
        if tree.uri != job.tree_out_uri:  # the same content stands elsewhere
            self.discard(job)

    def is_stale(self, lease: Lease, job: DomainJob) -> bool:
        """Has what the domain may have changed, or has the tree above been replaced?"""
        with lease_scope(lease):
            row = held_by(lease).select_related("domain", "brings_back__parent").first()
            return row is not None and _is_stale(row, job)

    def discard(self, job: DomainJob) -> None:
        """Unless the same tree has been registered before: then it goes when it is destroyed."""
        with operator_scope():
            standing = TreeVersion.objects.unscoped().filter(uri=job.tree_out_uri, destroyed_at=None)
            if standing.exists():
                return
        self._store.delete_beside(job.tree_out_uri)


def _is_stale(row: models.DomainJob, job: DomainJob) -> bool:
    assert row.domain is not None, "an update has a domain"
    if row.brings_back is not None and not (is_allowed(row.brings_back) and keeps_rule(row.brings_back)):
        return True
    parent = _live(job.parent)
    allowed = {one.digest for one in contributions_of(row.domain)}
    given = {one.digest for one in job.contributions}
    if row.brings_back is None and row.domain.tenant_id is not None and allowed - given:
        return True  # a training has ended meanwhile, and its tree holds more than the new one would
    return not parent.exists() or not given <= allowed


def _live(tree: BundleRef) -> QuerySet[TreeVersion]:
    """The one at that place: a tree that was destroyed may have been made again elsewhere."""
    return TreeVersion.objects.unscoped().filter(digest=tree.digest, uri=tree.uri, retired_at=None)
