"""Updates and suggestions as the runner of jobs sees them."""

from collections.abc import Mapping
from datetime import timedelta

from django.utils import timezone

from portal.audit.services import audit_record
from portal.catalog.models import Backbone, TreeVersion
from portal.catalog.selectors import backbone_default, tree_newest
from portal.catalog.services import tree_register
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.domains import models
from portal.domains.job_files import served_tree, suggest_job, update_job
from portal.domains.selectors import contributions_of, is_allowed
from portal.serving.models import Deployment, DeploymentState
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from portal.training.models import JobState
from portal.training.outcomes import MAX_MESSAGE_CHARS, job_end, job_locked
from portal.training.process import BrokenProtocol
from portal.training.work import StaleJob
from wire.codec import to_plain
from wire.domains import DomainJob, DomainResult, SuggestJob, SuggestResult, TaskVerdict
from wire.ids import TaskId
from wire.training import Progress

GRACE = timedelta(days=7)
"""How long a task that a new tree makes worse, or that could not be tried, stays on the old one."""


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
            job_end(lease, job_locked(lease), JobState.SUCCEEDED, result=to_plain(result), eta_s=0.0)

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
            row = job_locked(lease, "domain__tenant", "brings_back__domain")
            contributed = [one.dataset_id for one in job.contributions if one.tenant_id is not None]
            # Locked: a deletion comes before, and is seen here, or after, and finds the registered tree.
            list(Dataset.objects.unscoped().filter(pk__in=contributed).select_for_update().values_list("pk"))
            if _is_stale(row, job):
                raise StaleJob
            verdicts = {verdict.task_id: verdict for verdict in result.verdicts}
            if row.brings_back is not None:
                _bring_back(row.brings_back, verdicts, actor=f"job:{row.pk}")
                ended = {"result": to_plain(result), "tree": row.brings_back}
                job_end(lease, row, JobState.SUCCEEDED, **ended, eta_s=0.0, error=None)
                return
            tree = tree_register(
                domain=row.domain,
                backbone=Backbone.objects.get(digest=job.backbone.digest),
                bundle=result.tree,
                parent=TreeVersion.objects.unscoped().get(digest=job.parent.digest, retired_at=None),
                segments=[
                    {"dataset": one.dataset_id, "uri": one.uri, "digest": one.digest}
                    for one in job.contributions
                    if one.tenant_id is not None
                ],
                # A shared tree is seen by all, and how its tenants' tasks fare is not for others.
                coverage={
                    "diff": to_plain(result.diff),
                    "verdicts": to_plain(result.verdicts) if row.domain.tenant_id is not None else [],
                },
            )
            _follow(tree, verdicts, actor=f"job:{row.pk}")
            _retire(tree, job)
            for tenant_id, share in result.private_shares.items():
                models.Contribution.objects.unscoped().filter(
                    domain=row.domain, tenant_id=tenant_id, revoked_at=None
                ).update(private_share=share)
            job_end(lease, row, JobState.SUCCEEDED, result=to_plain(result), tree=tree, eta_s=0.0, error=None)

    def is_stale(self, lease: Lease, job: DomainJob) -> bool:
        """May the domain no longer have what the job gives it, or has the tree above been replaced?"""
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
    if row.brings_back is not None and not is_allowed(row.brings_back):
        return True
    parent = TreeVersion.objects.unscoped().filter(digest=job.parent.digest, retired_at=None)
    allowed = {one.digest for one in contributions_of(row.domain)}
    return not parent.exists() or not {one.digest for one in job.contributions} <= allowed


def _follow(tree: TreeVersion, verdicts: Mapping[TaskId, TaskVerdict], *, actor: str) -> None:
    """Move the domain's deployments to ``tree``: at once those that do not lose, the others later."""
    deployments = (
        Deployment.objects.unscoped()
        .filter(task__domain_id=tree.domain_id, state=DeploymentState.ACTIVE)
        .select_related("tenant", "version__tree_version__replaced_by", "tree_version__replaced_by")
    )
    for deployment in deployments:
        if served_tree(deployment).pk == tree.pk:
            continue
        verdict = verdicts.get(TaskId(str(deployment.task_id)))
        is_void = not _is_within(served_tree(deployment), tree)
        models.HeldTask.objects.unscoped().filter(deployment=deployment).delete()
        if is_void or (verdict is not None and verdict.moves):
            Deployment.objects.unscoped().filter(pk=deployment.pk).update(tree_version=tree)
            action = "deployment.follow"
        else:
            models.HeldTask(
                tenant=deployment.tenant,
                deployment=deployment,
                tree=tree,
                until=timezone.now() + GRACE,
                verdict=to_plain(verdict) if verdict is not None else {},
            ).save(force_insert=True)
            action = "deployment.hold"
        audit_record(
            actor=actor, action=action, target=deployment, tenant=deployment.tenant, tree=tree.digest
        )


def _bring_back(tree: TreeVersion, verdicts: Mapping[TaskId, TaskVerdict], *, actor: str) -> None:
    """Let deployments on the newest tree go back to ``tree``, but those that lose by it; for a bounded time,
    since what they leave is the tree that all later ones are made from."""
    newest = tree_newest(domain=tree.domain, backbone=backbone_default())
    assert newest is not None and newest.pk != tree.pk, "is_allowed has looked"
    deployments = (
        Deployment.objects.unscoped()
        .filter(task__domain_id=tree.domain_id, state=DeploymentState.ACTIVE)
        .select_related("tenant", "version__tree_version__replaced_by", "tree_version__replaced_by")
    )
    for deployment in deployments:
        if served_tree(deployment).pk != newest.pk:
            continue
        verdict = verdicts.get(TaskId(str(deployment.task_id)))
        loses = verdict is not None and verdict.num_rows > 0 and not verdict.moves
        if not loses:
            models.HeldTask.objects.unscoped().filter(deployment=deployment).delete()
            Deployment.objects.unscoped().filter(pk=deployment.pk).update(tree_version=tree)
            models.HeldTask(
                tenant=deployment.tenant,
                deployment=deployment,
                tree=newest,
                until=timezone.now() + GRACE,
                verdict=to_plain(verdict) if verdict is not None else {},
            ).save(force_insert=True)
        audit_record(
            actor=actor,
            action="deployment.stay" if loses else "deployment.bring_back",
            target=deployment,
            tenant=deployment.tenant,
            tree=tree.digest,
        )


def _retire(tree: TreeVersion, job: DomainJob) -> None:
    """Older trees that held tasks serve on stay live, else the last one; none that holds what must go."""
    held = (
        models.HeldTask.objects.unscoped()
        .filter(tree=tree)
        .select_related(
            "deployment__version__tree_version__replaced_by", "deployment__tree_version__replaced_by"
        )
    )
    kept = {served_tree(one.deployment).digest for one in held}
    if not kept and job.tree_before is not None:
        kept = {job.tree_before.digest}
    older = TreeVersion.objects.unscoped().filter(domain_id=tree.domain_id).exclude(pk=tree.pk)
    now = timezone.now()
    for old in older.filter(retired_at=None):
        if old.digest not in kept or not _is_within(old, tree):
            older.filter(pk=old.pk).update(retired_at=now, replaced_by=tree)
    # What had been replaced by a tree that is now replaced itself: one step leads to a live tree, always.
    older.filter(replaced_by__retired_at__isnull=False).update(replaced_by=tree)


def _is_within(old: TreeVersion, new: TreeVersion) -> bool:
    """Does ``old`` hold nothing that ``new`` may not hold? For the new one holds all that is allowed."""
    allowed = {segment["dataset"] for segment in new.segments}
    return all(segment["dataset"] in allowed for segment in old.segments)
