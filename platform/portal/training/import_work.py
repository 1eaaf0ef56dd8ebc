"""An import as the runner sees it: its job file, what its process may say, and what comes of it."""

from portal.catalog.models import Backbone
from portal.catalog.selectors import backbone_default, parent_tree, tree_newest
from portal.catalog.services import version_import
from portal.common.errors import NotFound
from portal.common.store import ObjectStore
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from portal.training.models import AdapterImport, JobState
from portal.training.outcomes import MAX_MESSAGE_CHARS, job_end, job_to_succeed
from portal.training.process import BrokenProtocol
from portal.training.recipes import BOUNDS
from portal.training.selectors import tree_read
from portal.training.work import StaleJob
from wire.ids import BundleUri, Digest, TaskId, TenantId
from wire.imports import ImportJob, ImportResult
from wire.tasks import TaskKind
from wire.training import Progress


class ImportWork:
    """See Work."""

    model = AdapterImport
    job_type = ImportJob
    result_type = ImportResult
    name = "import"

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def make_job(self, lease: Lease) -> ImportJob:
        """Raises NotFound as well: nothing keeps a dataset from being deleted meanwhile."""
        with lease_scope(lease):
            job = held_by(lease).select_related("tenant", "task__domain__parent", "dataset").first()
            if job is None:
                raise LeaseLost
            if job.needs_dataset and (job.dataset is None or job.dataset.deleted_at is not None):
                raise NotFound("dataset")
            backbone = backbone_default()
            domain = job.task.domain
            tree = tree_newest(domain=domain, backbone=backbone) or parent_tree(
                tenant=job.tenant, domain=domain, backbone=backbone
            )
            held_by(lease).update(tree=tree)
            return ImportJob(
                job_id=lease.job_id,
                tenant_id=TenantId(str(job.tenant_id)),
                task_id=TaskId(str(job.task_id)),
                archive_uri=BundleUri(job.archive_uri),
                kind=TaskKind(job.task.kind),
                labels=tuple(job.task.labels),
                backbone_uri=BundleUri(backbone.uri),
                backbone_digest=Digest(backbone.digest),
                tree_uri=BundleUri(tree.uri),
                tree_digest=Digest(tree.digest),
                version_out_uri=BundleUri(f"tenants/{job.tenant_id}/versions/{lease.job_id}"),
                rows_uri=None if job.dataset is None else BundleUri(job.dataset.rows_uri),
                max_rank=int(BOUNDS["rank"].most),
                min_agreement=job.min_agreement,
            )

    def check(self, job: ImportJob, result: ImportResult) -> None:
        if result.version.uri != job.version_out_uri:
            raise BrokenProtocol("the result names another place than the job")

    def show(self, lease: Lease, progress: Progress) -> None:
        with lease_scope(lease):
            shown = {
                "phase": progress.phase.value,
                "step": progress.step,
                "num_steps": progress.num_steps,
                "eta_s": progress.eta_s,
                "message": progress.message[:MAX_MESSAGE_CHARS],
            }
            if not held_by(lease).update(**shown):
                raise LeaseLost

    def succeed(self, lease: Lease, job: ImportJob, result: ImportResult) -> None:
        with lease_scope(lease):
            row = job_to_succeed(lease, "task", "dataset")
            tree = tree_read(uri=job.tree_uri, digest=job.tree_digest)
            if tree is None:
                raise StaleJob
            version = version_import(
                task=row.task,
                import_id=row.pk,
                dataset=row.dataset,
                backbone=Backbone.objects.get(digest=job.backbone_digest),
                tree=tree,
                result=result,
            )
            job_end(
                lease,
                row,
                JobState.SUCCEEDED,
                version=version.pk,
                passed=result.passed,
                eta_s=0.0,
                error=None,
            )

    def is_stale(self, lease: Lease, job: ImportJob) -> bool:
        """As a training's: a tree that must be forgotten is no longer read."""
        with lease_scope(lease):
            return tree_read(uri=job.tree_uri, digest=job.tree_digest) is None

    def discard(self, job: ImportJob) -> None:
        self._store.delete(job.version_out_uri)
