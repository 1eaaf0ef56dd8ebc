"""A tenant's domain with trained, deployed tasks, and the jobs that worker and scheduler make."""

import json
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from portal.catalog.models import AdapterVersion, Backbone, Domain, PrivateLeaf, Segment, Task, TreeVersion
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete, dataset_files_delete
from portal.domains.job_work import SuggestWork, UpdateWork
from portal.domains.models import DomainJob, DomainJobKind
from portal.domains.reconcile import reconcile
from portal.serving.models import Deployment
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import UNFINISHED
from portal.training.runner import RunnerConfig
from tests.fakes.jobs import run_job
from tests.fakes.portal import make_backbone, make_dataset, make_general, new_digest
from wire.ids import JobId

PROGRAM = Path(__file__).parent.parent.parent / "fakes" / "domain_program.py"


def store() -> ObjectStore:
    """The tests' store."""
    return ObjectStore(settings.ENV.store_url)


@dataclass
class Worker:
    """Runs what is queued, with the fake program."""

    folder: Path
    options: tuple[str, ...] = ()

    @property
    def config(self) -> RunnerConfig:
        log = str(self.folder / "jobs.log")
        return RunnerConfig(
            command=(sys.executable, "-I", str(PROGRAM), "--log", log, *self.options),
            environment={"PATH": "/usr/bin:/bin"},
            work_root=self.folder / "domains",
            lease_s=30.0,
            max_attempts=3,
            timeout_s=60.0,
        )

    def jobs(self) -> list[dict[str, Any]]:
        """The job files that processes got."""
        log = self.folder / "jobs.log"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    def work(self) -> None:
        """Every queued job once."""
        with operator_scope():
            queued = DomainJob.objects.unscoped().filter(state__in=UNFINISHED)
            found = list(queued.order_by("created_at").values_list("pk", "does"))
        for pk, does in found:
            if does == DomainJobKind.UPDATE:
                run_job(UpdateWork(store()), JobId(str(pk)), self.config)
            else:
                run_job(SuggestWork(), JobId(str(pk)), self.config)

    def round(self, used: ObjectStore | None = None) -> None:
        """As the scheduler and a worker do again and again, a minute passing each time."""
        reconcile(used or store())
        self.work()
        with operator_scope():
            minute = timedelta(minutes=2)
            for tree in TreeVersion.objects.unscoped().exclude(retired_at=None):
                TreeVersion.objects.unscoped().filter(pk=tree.pk).update(retired_at=timezone.now() - minute)
            leaves = PrivateLeaf.objects.unscoped().exclude(retired_at=None)
            leaves.update(retired_at=timezone.now() - minute)


def learn(task: Task, number: int, *, above: TreeVersion | None = None) -> AdapterVersion:
    """A version of ``task`` on a new dataset, with its segment and a tree of all the domain's segments."""
    dataset = make_dataset(task.tenant, name=f"{task.slug}-{number}.csv")
    folder = f"tenants/{task.tenant_id}"
    job_id = uuid4()
    backbone, above = make_backbone(), above or make_general()
    with tenant_scope(task.tenant_id):
        segment = Segment(
            tenant=task.tenant,
            domain=task.domain,
            dataset=dataset,
            uri=f"{folder}/segments/{dataset.pk}",
            digest=new_digest(),
            num_bytes=10,
        )
        segment.save()
        tree = _tree_of_all_segments(task, backbone, above, f"{folder}/trees/{job_id}")
        version = AdapterVersion(
            tenant=task.tenant,
            task=task,
            number=number,
            dataset=dataset,
            backbone=backbone,
            tree_version=tree,
            bundle_uri=f"{folder}/versions/{job_id}",
            bundle_digest=new_digest(),
            num_bytes=20,
            labels=["sport", "tech"],
            report={"test_rows": list(range(1, 301))},
            training_job_id=job_id,
        )
        version.save()
    for uri in (tree.uri, f"{tree.uri}.table-1", version.bundle_uri, segment.uri):
        put(f"{uri}/manifest.json")
    put(dataset.rows_uri)
    return version


def _tree_of_all_segments(task: Task, backbone: Backbone, above: TreeVersion, uri: str) -> TreeVersion:
    segments = Segment.objects.for_tenant(task.tenant).filter(domain=task.domain)
    own = [{"dataset": str(one.dataset_id), "uri": one.uri, "digest": one.digest} for one in segments]
    tree = TreeVersion(
        tenant=task.tenant,
        domain=task.domain,
        backbone=backbone,
        uri=uri,
        digest=new_digest(),
        num_bytes=10,
        parent=above,
        segments=[*above.segments, *own],
    )
    tree.save()
    return tree


def leafed(version: AdapterVersion) -> PrivateLeaf:
    """Give ``version`` a private leaf."""
    assert version.dataset is not None
    leaf = PrivateLeaf(
        tenant=version.tenant,
        version=version,
        dataset_id=version.dataset.pk,
        uri=f"{version.bundle_uri}.leaf-1",
        digest=new_digest(),
        num_bytes=9,
    )
    with tenant_scope(version.tenant_id):
        leaf.save()
    put(f"{leaf.uri}/manifest.json")
    return leaf


def put(uri: str) -> None:
    """A file in the store."""
    with store().write(uri) as file:
        file.write(b"{}")


def deployed(version: AdapterVersion) -> Deployment:
    """Serve ``version``."""
    deployment = Deployment(tenant=version.tenant, task=version.task, version=version)
    with tenant_scope(version.tenant_id):
        deployment.save()
    return deployment


def delete(dataset: Dataset) -> None:
    """As the API does, and the background job after it."""
    with tenant_scope(dataset.tenant_id):
        dataset_delete(dataset=dataset, acting=OPERATOR)
    dataset_files_delete(dataset_id=dataset.pk, store=store())


def trees(domain: Domain) -> list[TreeVersion]:
    """All of a domain's, oldest first."""
    with operator_scope():
        found = TreeVersion.objects.unscoped().filter(domain=domain).select_related("replaced_by")
        return list(found.order_by("created_at"))


def shared_domain(slug: str = "press") -> Domain:
    """A shared domain that is not the root."""
    domain = Domain(tenant=None, name=slug.title(), slug=slug)
    with operator_scope():
        domain.save()
    return domain


def under(task: Task, parent: Domain) -> None:
    """Put the task's domain under a shared one."""
    with tenant_scope(task.tenant_id):
        task.domain.parent = parent
        task.domain.save()


def verified(tenant: Tenant) -> None:
    """As the operator's button does."""
    from portal.domains.services import tenant_verify

    with operator_scope():
        tenant_verify(tenant=tenant, acting=OPERATOR)
