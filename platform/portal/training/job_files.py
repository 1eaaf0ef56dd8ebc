"""Builds the training process's job file from the catalog."""

from django.conf import settings

from portal.catalog.selectors import backbone_default, looked_up_tree, segment_list
from portal.datasets.places import DatasetPlaces
from portal.training.leases import Lease, LeaseLost, held_by, lease_scope
from wire.codec import from_plain
from wire.ids import BundleUri, DatasetId, Digest, DomainId, TaskId, TenantId
from wire.tasks import TaskKind
from wire.training import Recipe, SegmentRef, TrainJob


def train_job(lease: Lease) -> TrainJob:
    """The input of the lease's training process, whose tree is kept until the job has ended.

    Raises LeaseLost, or PortalError (not_ready).
    """
    with lease_scope(lease):
        job = held_by(lease).select_related("tenant", "task__domain__parent", "dataset").first()
        if job is None or job.dataset is None:
            raise LeaseLost
        backbone = backbone_default()
        is_shared = job.task.domain.tenant_id is None
        tree = looked_up_tree(tenant=job.tenant, domain=job.task.domain, backbone=backbone)
        held_by(lease).update(tree=tree)
        dataset_id = DatasetId(str(job.dataset.pk))
        others = segment_list(tenant=job.tenant, domain=job.task.domain).exclude(dataset=job.dataset)
        segments = others.none() if is_shared else others.filter(dataset__deleted_at=None)
        tenant_id = TenantId(str(job.tenant_id))
        folder = f"tenants/{tenant_id}"
        return TrainJob(
            job_id=lease.job_id,
            tenant_id=tenant_id,
            task_id=TaskId(str(job.task_id)),
            domain_id=DomainId(str(job.task.domain_id)),
            dataset_id=dataset_id,
            rows_uri=BundleUri(job.dataset.rows_uri),
            labels=tuple(count["label"] for count in job.dataset.labels),
            backbone_uri=BundleUri(backbone.uri),
            backbone_digest=Digest(backbone.digest),
            tree_uri=BundleUri(tree.uri),
            tree_digest=Digest(tree.digest),
            segments=tuple(
                SegmentRef(DatasetId(str(s.dataset_id)), BundleUri(s.uri), Digest(s.digest)) for s in segments
            ),
            segment_out_uri=DatasetPlaces(tenant_id, dataset_id).segment_uri,
            tree_out_uri=BundleUri(f"{folder}/trees/{lease.job_id}"),
            version_out_uri=BundleUri(f"{folder}/versions/{lease.job_id}"),
            recipe=from_plain(Recipe, job.recipe),
            kind=TaskKind(job.task.kind),
            is_domain_shared=is_shared,
            max_node_bytes=int(settings.ENV.node_bytes),
            max_memory_bytes=int(settings.ENV.build_memory_bytes),
        )
