"""The jobs of domains, with all of their parts."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from portal.common.scope import operator_scope, tenant_scope
from portal.domains.jobs import RECONCILE_LOCK, domain_run, domains_reconcile, store_sweep
from portal.domains.models import DomainJob, DomainJobKind
from portal.domains.services import domain_update_request
from portal.tenants.actors import OPERATOR
from portal.training.models import JobState
from portal.training.work_dir import WorkDir
from tests.conftest import DatabaseUrls
from tests.fakes.portal import Cast, make_dataset, make_task
from tests.fakes.training import refusing_python
from tests.portal.domains.world import Worker, delete, leafed, learn, put, store
from wire.artifacts import COPY_NOTE

pytestmark = pytest.mark.database


def test_dead_jobs_are_taken_up_their_folders_deleted_and_what_is_gone_forgotten(
    cast: Cast, worker: Worker, settings: Settings, tmp_path: Path
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"work_dir": tmp_path})
    tenant = cast.acme.tenant
    version = learn(make_task(tenant), 1)
    leaf = leafed(version)
    assert version.dataset is not None
    delete(version.dataset)
    job = DomainJob(
        tenant=tenant,
        dataset=make_dataset(tenant),
        does=DomainJobKind.SUGGEST,
        state=JobState.RUNNING,
        lease_owner="dead",
        lease_expires_at=timezone.now() - timedelta(minutes=10),
    )
    with tenant_scope(tenant.pk):
        job.save()
    left = tmp_path / "domains" / str(uuid4())
    WorkDir(left.parent, left.name).close()
    domains_reconcile()
    assert not left.exists()
    with operator_scope():
        for row in (job, leaf):
            row.refresh_from_db()
    assert job.state == JobState.QUEUED
    assert leaf.retired_at is not None


def test_of_rounds_at_once_one_is_made(
    cast: Cast, worker: Worker, database_urls: DatabaseUrls, settings: Settings, tmp_path: Path
) -> None:
    """Two schedulers, or one whose last round takes long: both would ask, and tell, for the same."""
    settings.ENV = settings.ENV.model_copy(update={"work_dir": tmp_path})
    dataset = learn(make_task(cast.acme.tenant), 1).dataset

    def asked() -> bool:
        with operator_scope():
            return DomainJob.objects.unscoped().filter(dataset=dataset).exists()

    with psycopg.connect(database_urls.portal, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [RECONCILE_LOCK])
        domains_reconcile()
        assert not asked()
        # Not by closing the session: the server ends it when it comes to it.
        other.execute("SELECT pg_advisory_unlock(%s)", [RECONCILE_LOCK])
    domains_reconcile()
    assert asked()


def test_bundles_that_nobody_knows_are_swept_with_the_copies_that_jobs_kept(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HMI_CACHE_DIR", raising=False)
    settings.ENV = settings.ENV.model_copy(update={"work_dir": tmp_path})
    unknown = f"tenants/{cast.acme.tenant.pk}/trees/{uuid4()}"
    put(f"{unknown}/manifest.json")
    copies = tmp_path / "bundles"
    (copies / "copy").mkdir(parents=True)
    (copies / f"copy{COPY_NOTE}").write_text(f"{unknown}\nsha256:0")
    store_sweep()
    assert not store().exists(unknown)
    assert list(copies.iterdir()) == []


def test_a_message_has_its_job_worked_on_by_the_installations_own_program(
    cast: Cast, worker: Worker, settings: Settings, tmp_path: Path
) -> None:
    changes = {"work_dir": tmp_path, "training_python": str(refusing_python(tmp_path))}
    settings.ENV = settings.ENV.model_copy(update=changes)
    version = learn(make_task(cast.acme.tenant), 1)
    suggestion = DomainJob(tenant=cast.acme.tenant, dataset=version.dataset, does=DomainJobKind.SUGGEST)
    with tenant_scope(cast.acme.tenant.pk):
        suggestion.save()
    with operator_scope():
        update = domain_update_request(domain=version.task.domain, acting=OPERATOR)
    for job in (suggestion, update):
        domain_run(str(job.pk))
        with operator_scope():
            job.refresh_from_db()
        assert job.error is not None and job.error["code"] == "dataset_too_few_rows"
    asked = [line.split()[:4] for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == [["-m", "hmi.cli", "domain", action] for action in ("suggest", "update")]
