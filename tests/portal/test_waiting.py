"""What must not happen twice at once waits for what is under way: another session holds the row here.

It is held FOR NO KEY UPDATE, as an UPDATE does. Rows that only point at it (a foreign key's check) do not
wait for that, so that a service without its lock would go on, and be found.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from portal.catalog.models import TreeVersion
from portal.catalog.services import version_register
from portal.common.scope import operator_scope, tenant_scope
from portal.common.store import ObjectStore
from portal.datasets.models import DatasetUpload
from portal.datasets.uploads import upload_append
from portal.domains.job_files import update_job
from portal.domains.models import DomainJob
from portal.domains.services import (
    contribution_grant,
    contribution_revoke,
    domain_update_request,
    gate_consent_set,
)
from portal.serving.services import deploy
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Membership, Role
from portal.tenants.services import member_remove, member_role_set
from portal.training.import_services import Archive, import_create
from portal.training.leases import job_claim
from portal.training.services import estimate_create, training_create
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit
from tests.conftest import DatabaseUrls
from tests.fakes.portal import (
    Cast,
    make_backbone,
    make_dataset,
    make_general,
    make_task,
    make_trial,
    make_version,
    make_webhook,
)
from tests.portal.domains.world import learn, shared_domain
from wire.ids import BundleUri, Digest, JobId
from wire.training import PublishedBundle, TrainResult

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]
LOCK_TIMEOUT = "100ms"


class Other:
    """Another session of the database."""

    def __init__(self, urls: DatabaseUrls) -> None:
        address = urls.portal.rpartition("@")[2]
        self._connection = psycopg.connect(f"{urls.admin.rpartition('@')[0]}@{address}")

    def hold(self, table: str, pk: UUID) -> None:
        """A row, until the session is closed."""
        query = psycopg.sql.SQL("SELECT FROM {} WHERE id = %s FOR NO KEY UPDATE")
        assert self._connection.execute(query.format(psycopg.sql.Identifier(table)), [pk]).rowcount == 1

    def hold_number(self, number: int) -> None:
        """An advisory lock, until the session is closed."""
        self._connection.execute("SELECT pg_advisory_xact_lock(%s)", [number])

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def other(database_urls: DatabaseUrls) -> Iterator[Other]:
    other = Other(database_urls)
    yield other
    other.close()


@contextmanager
def waiting() -> Iterator[None]:
    """The block waits for a lock that it does not get."""
    with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        yield


def test_two_owners_who_remove_each_other_do_not_both_go(cast: Cast, other: Other) -> None:
    tenant = cast.acme.tenant
    with tenant_scope(tenant.id):
        places = {place.role: place for place in Membership.objects.for_tenant(tenant)}
        member_role_set(
            tenant=tenant, membership_id=places[Role.DEVELOPER].pk, role=Role.OWNER, acting=OPERATOR
        )
    other.hold("membership", places[Role.OWNER].pk)
    with waiting(), tenant_scope(tenant.id):
        member_remove(tenant=tenant, membership_id=places[Role.DEVELOPER].pk, acting=OPERATOR)


def test_two_deployments_of_a_task_come_one_after_the_other(cast: Cast, other: Other) -> None:
    version = make_version(make_task(cast.acme.tenant))
    other.hold("task", version.task_id)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        deploy(version=version, acting=OPERATOR)


@pytest.mark.parametrize("is_given", [True, False])
def test_a_consent_is_given_or_taken_back_once(cast: Cast, other: Other, is_given: bool) -> None:
    task = make_task(cast.acme.tenant)
    other.hold("task", task.pk)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        gate_consent_set(task=task, is_given=is_given, acting=OPERATOR)


def test_a_trial_is_not_started_while_what_serves_changes(cast: Cast, other: Other) -> None:
    task = make_task(cast.acme.tenant)
    live, tried = make_version(task), make_version(task, number=2)
    with tenant_scope(cast.acme.tenant.id):
        deploy(version=live, acting=OPERATOR)
    other.hold("task", task.pk)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        make_trial(tried)


def test_two_versions_of_a_task_are_numbered_one_after_the_other(cast: Cast, other: Other) -> None:
    task, dataset, backbone = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant), make_backbone()
    bundle = PublishedBundle(BundleUri("a"), Digest("sha256:" + "a" * 64), 1)
    other.hold("task", task.pk)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        version_register(
            task=task,
            job_id=uuid4(),
            dataset=dataset,
            backbone=backbone,
            labels=["a", "b"],
            parent_digest=bundle.digest,
            segments=(),
            result=TrainResult(version=bundle, tree=bundle, segment=bundle, report={}),
        )


def test_a_dataset_that_is_being_deleted_is_not_trained_on(cast: Cast, other: Other) -> None:
    make_general()
    task, dataset = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant)
    other.hold("dataset", dataset.pk)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        training_create(task=task, dataset_id=dataset.pk, recipe={}, acting=OPERATOR)


def test_a_consent_is_not_ended_while_an_update_registers_a_tree_by_it(cast: Cast, other: Other) -> None:
    """The update holds the datasets of its tree: a consent that ended meanwhile would be taken for forgotten
    before the tree is seen."""
    tenant, domain, dataset = cast.acme.tenant, shared_domain(), make_dataset(cast.acme.tenant)
    with tenant_scope(tenant.id):
        given = contribution_grant(domain=domain, dataset=dataset, acting=OPERATOR)
    other.hold("dataset", dataset.pk)
    with waiting(), tenant_scope(tenant.id):
        contribution_revoke(tenant=tenant, contribution_id=given.pk, acting=OPERATOR)


def test_an_update_that_makes_a_tree_again_does_not_begin_while_it_is_destroyed(
    cast: Cast, other: Other
) -> None:
    """Its process would find the tree at its place, and then no more."""
    make_general()
    version = learn(make_task(cast.acme.tenant), 1)
    with operator_scope():
        job = domain_update_request(domain=version.task.domain, acting=OPERATOR)
    lease = job_claim(DomainJob, job_id=JobId(str(job.pk)), lease_s=30)
    assert lease is not None
    with operator_scope():
        TreeVersion.objects.unscoped().filter(pk=version.tree_version_id).update(
            uri=update_job(lease).tree_out_uri
        )
    other.hold("tree_version", version.tree_version_id)
    with waiting():
        update_job(lease)


def test_nothing_is_begun_for_a_task_that_is_being_deleted(cast: Cast, other: Other, tmp_path: Path) -> None:
    make_general()
    task, dataset = make_task(cast.acme.tenant), make_dataset(cast.acme.tenant)
    store = ObjectStore(tmp_path.as_uri())
    archive = Archive(io.BytesIO(b"PK\x03\x04"), "a.zip", 4)
    other.hold("task", task.pk)
    for begin in (
        partial(training_create, task=task, dataset_id=dataset.pk, recipe={}, acting=OPERATOR),
        partial(estimate_create, task=task, dataset_id=dataset.pk, recipe={}, acting=OPERATOR),
        partial(
            import_create,
            task=task,
            archive=archive,
            dataset_id=None,
            min_agreement=0.9,
            store=store,
            acting=OPERATOR,
        ),
    ):
        with waiting(), tenant_scope(cast.acme.tenant.id):
            begin()


def test_two_chunks_of_an_upload_come_one_after_the_other(cast: Cast, other: Other, tmp_path: Path) -> None:
    upload = DatasetUpload(
        tenant=cast.acme.tenant, name="a", file_name="a.csv", num_bytes=10, given_columns=[None, None]
    )
    with tenant_scope(cast.acme.tenant.id):
        upload.save()
    other.hold("dataset_upload", upload.pk)
    with waiting(), tenant_scope(cast.acme.tenant.id):
        # At a wrong place: that is known only once the chunk under way has been noted.
        upload_append(
            upload=upload, offset=5, chunk=io.BytesIO(b"later"), store=ObjectStore(tmp_path.as_uri())
        )


def test_events_of_one_subject_are_committed_in_their_order(cast: Cast, other: Other) -> None:
    make_webhook(cast.acme.tenant)
    subject = uuid4()
    other.hold_number(subject.int % (1 << 63))
    with waiting(), tenant_scope(cast.acme.tenant.id):
        event_emit(tenant=cast.acme.tenant, type=EventType.DATASET_READY, subject=subject, data={})
