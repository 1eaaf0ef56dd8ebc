"""Makes users, tenants and what they own directly in the tables, and clients that are signed in."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.utils import timezone

from portal.catalog.models import GENERAL_DOMAIN, AdapterVersion, Backbone, Domain, Task, TreeVersion
from portal.common.scope import operator_scope, tenant_scope
from portal.common.sealing import seal
from portal.datasets.models import Dataset, DatasetFormat
from portal.serving.models import Trial, TrialKind
from portal.serving.trials import trial_start
from portal.tenants.actors import OPERATOR
from portal.tenants.keys import key_new, secret_hash
from portal.tenants.models import ApiKey, Membership, Role, Tenant, User
from portal.training.models import AdapterImport, JobState, TrainingJob
from portal.webhooks.models import EventType, Webhook
from wire.catalog import Scope

LABELS = ["sport", "tech"]
SUBSCRIBABLE = tuple(event for event in EventType if event is not EventType.PING)


def digest(letter: str = "a") -> str:
    """A well-formed digest."""
    return "sha256:" + letter * 64


def new_digest() -> str:
    """One that nothing else has."""
    return "sha256:" + uuid4().hex * 2


@dataclass(frozen=True, slots=True)
class Member:
    """A tenant with one user of each role, and clients signed in as them."""

    tenant: Tenant
    owner: User
    developer: User
    viewer: User

    @property
    def path(self) -> str:
        """Where the tenant is in the REST API."""
        return f"/api/v1/tenants/{self.tenant.slug}"

    def client(self, role: Role = Role.OWNER) -> Client:
        """A browser in which the member of this role is signed in."""
        return client_of(
            {Role.OWNER: self.owner, Role.DEVELOPER: self.developer, Role.VIEWER: self.viewer}[role]
        )


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in the tests."""

    acme: Member
    globex: Member
    nobody: User


def make_cast() -> Cast:
    """acme and globex with three members each, and nobody."""
    return Cast(make_member("acme"), make_member("globex"), make_user("nobody@example.com"))


def make_user(email: str, *, password: str | None = None, is_operator: bool = False) -> User:
    """A user; without a password one who cannot sign in by himself."""
    if is_operator:
        return User.objects.create_superuser(email, password)
    return User.objects.create_user(email, password)


def make_member(slug: str) -> Member:
    """A tenant whose users are owner@, developer@ and viewer@SLUG.example."""
    tenant = make_tenant(slug)
    users = {role: make_user(f"{role.value}@{slug}.example") for role in Role}
    with tenant_scope(tenant.id):
        for role, user in users.items():
            Membership(tenant=tenant, user=user, role=role).save()
    return Member(tenant, users[Role.OWNER], users[Role.DEVELOPER], users[Role.VIEWER])


def make_tenant(slug: str) -> Tenant:
    """A tenant without members."""
    tenant = Tenant(name=slug.title(), slug=slug)
    with tenant_scope(tenant.id):
        tenant.save(force_insert=True)
    return tenant


def client_of(user: User) -> Client:
    """A browser in which ``user`` is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def make_key(
    tenant: Tenant,
    *,
    scopes: tuple[Scope, ...] = (Scope.MANAGE,),
    task: Task | None = None,
    expires_in: timedelta | None = None,
    is_revoked: bool = False,
) -> str:
    """A key's text."""
    secret = key_new()
    with tenant_scope(tenant.id):
        ApiKey(
            tenant=tenant,
            name="test",
            key_sha256=secret_hash(secret),
            prefix=secret[:12],
            scopes=[scope.value for scope in scopes],
            task=task,
            expires_at=timezone.now() + expires_in if expires_in is not None else None,
            revoked_at=timezone.now() if is_revoked else None,
        ).save()
    return secret


def client_with(secret: str) -> Client:
    """An application that sends ``secret`` as its API key."""
    return Client(headers={"Authorization": f"Bearer {secret}"})


def make_backbone() -> Backbone:
    """The default backbone; the same one when called again."""
    with operator_scope():
        found = Backbone.objects.filter(is_default=True).first()
        return found or Backbone.objects.create(
            name="tiny", uri="backbones/tiny", digest=digest("b"), num_bytes=1000, is_default=True
        )


def make_general() -> TreeVersion:
    """The shared domain at the root, with a tree; the same one when called again."""
    backbone = make_backbone()
    with operator_scope():
        domain = Domain.objects.unscoped().filter(tenant=None, slug=GENERAL_DOMAIN).first()
        if domain is None:
            domain = Domain(tenant=None, name="General", slug=GENERAL_DOMAIN)
            domain.save()
        found = TreeVersion.objects.unscoped().filter(domain=domain).first()
        if found is None:
            found = TreeVersion(
                tenant=None,
                domain=domain,
                backbone=backbone,
                uri="trees/general",
                digest=digest("e"),
                num_bytes=500,
            )
            found.save()
        return found


def make_task(tenant: Tenant, slug: str = "news") -> Task:
    """A task with a domain of the same name."""
    with tenant_scope(tenant.id):
        domain = Domain(tenant=tenant, name=slug.title(), slug=slug)
        domain.save()
        task = Task(tenant=tenant, domain=domain, name=slug.title(), slug=slug, labels=LABELS)
        task.save()
    return task


def make_dataset(tenant: Tenant, *, name: str = "news.csv", num_rows: int = 40) -> Dataset:
    """A dataset's row; its files are not written."""
    identifier = uuid4()
    folder = f"tenants/{tenant.id}/datasets/{identifier}"
    dataset = Dataset(
        id=identifier,
        tenant=tenant,
        name=name,
        format=DatasetFormat.CSV,
        original_uri=f"{folder}/original",
        rows_uri=f"{folder}/rows.jsonl",
        num_bytes=1000,
        sha256="0" * 64,
        num_rows=num_rows,
        labels=[{"label": label, "num_rows": num_rows // 2} for label in LABELS],
        text_column="text",
        label_column="label",
    )
    with tenant_scope(tenant.id):
        dataset.save()
    return dataset


def make_job(task: Task, dataset: Dataset, **fields: Any) -> TrainingJob:
    """A training job's row, queued unless ``fields`` say otherwise."""
    job = TrainingJob(tenant=task.tenant, task=task, dataset=dataset, **{"state": JobState.QUEUED, **fields})
    with tenant_scope(task.tenant_id):
        job.save()
    return job


def make_import(task: Task, **fields: Any) -> AdapterImport:
    """An import's row, queued unless ``fields`` say otherwise; its archive is not written."""
    made = AdapterImport(
        tenant=task.tenant,
        task=task,
        **{
            "file_name": "adapter.zip",
            "archive_uri": f"tenants/{task.tenant_id}/imports/{int(time.time())}-{uuid4()}",
            "num_bytes": 1000,
            "min_agreement": 0.9,
            **fields,
        },
    )
    with tenant_scope(task.tenant_id):
        made.save()
    return made


def make_version(task: Task, *, number: int = 1, dataset: Dataset | None = None) -> AdapterVersion:
    """A published version of ``task``, with a tree of the task's domain."""
    backbone = make_backbone()
    with tenant_scope(task.tenant_id):
        tree = TreeVersion(
            tenant=task.tenant,
            domain=task.domain,
            backbone=backbone,
            uri=f"trees/{uuid4()}",
            digest=new_digest(),
            num_bytes=10,
        )
        tree.save()
        version = AdapterVersion(
            tenant=task.tenant,
            task=task,
            number=number,
            dataset=dataset,
            backbone=backbone,
            tree_version=tree,
            bundle_uri=f"tenants/{task.tenant_id}/versions/{uuid4()}",
            bundle_digest=new_digest(),
            num_bytes=20,
            labels=LABELS,
            report={"accuracy": 0.9},
            training_job_id=uuid4(),
        )
        version.save()
    return version


def make_trial(version: AdapterVersion, **asked: Any) -> Trial:
    """A shadow of what serves, judged by hand, unless ``asked`` says otherwise."""
    usual: dict[str, Any] = {
        "kind": TrialKind.SHADOW,
        "share": 1.0,
        "is_automatic": False,
        "min_texts": 50,
        "min_agreement": 0.9,
    }
    return trial_start(version=version, acting=OPERATOR, **(usual | asked))


def make_webhook(
    tenant: Tenant,
    *,
    url: str = "https://example.com/hook",
    events: Sequence[EventType] = SUBSCRIBABLE,
    secret: str = "whsec_" + "A" * 43 + "=",
) -> Webhook:
    """A webhook for all events that can be asked for, unless ``events`` say otherwise."""
    webhook = Webhook(
        tenant=tenant,
        name="test",
        url=url,
        events=[event.value for event in events],
        secret=seal(secret),
    )
    with tenant_scope(tenant.id):
        webhook.save()
    return webhook
