"""Brings the store and the trees to what the catalog allows: again and again, whatever was killed meanwhile.

Every step looks at what stands, and does what is missing; nothing is remembered between two calls but rows.
"""

import time
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.utils import timezone

from portal.catalog.models import (
    GENERAL_DOMAIN,
    AdapterVersion,
    Backbone,
    Domain,
    PrivateLeaf,
    Segment,
    TreeVersion,
)
from portal.catalog.selectors import tree_newest
from portal.common.errors import Conflict
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.scope import operator_scope
from portal.common.store import ObjectStore
from portal.datasets.models import Dataset, DatasetState, DatasetUpload
from portal.domains.following import domains_crowded, held_tasks_move
from portal.domains.job_files import tree_above
from portal.domains.models import (
    DeletionRecord,
    DeletionSubject,
    DomainJob,
    DomainJobKind,
    OperatorSegment,
)
from portal.domains.refusals import Refusals
from portal.domains.selectors import contributions_of, tainted_trees
from portal.domains.services import domain_update_request
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.import_places import is_left_over
from portal.training.models import UNFINISHED, AdapterImport, JobState, TrainingJob
from portal.training.selectors import trees_in_use

SERVICE_GRACE = timedelta(seconds=60)
"""Between retiring a tree and destroying it: the service hears of it, and answers its last requests."""
AGAIN_AFTER = timedelta(minutes=5)
"""After an update that failed."""
UPDATE_EVERY = timedelta(days=1)
"""So often a domain takes up new segments by itself."""
MAX_SUGGESTIONS = 20
LEFT_OVER_AFTER = timedelta(hours=1)
"""So old a file of no dataset is of none that is only about to be known."""
_TEXTS: tuple[tuple[str, type[Dataset] | type[DatasetUpload]], ...] = (
    ("datasets", Dataset),
    ("segments", Dataset),
    ("uploads", DatasetUpload),
)
"""Folders of a tenant, and whose ids the names in them are."""
_log = structlog.get_logger("portal.domains")


def reconcile(store: ObjectStore) -> None:
    """One round; see the functions."""
    with operator_scope():
        leaves_retire()
        forgetting_advance()
        orphans_update()
        general_follow()
        domains_update_due()
        shared_domains_update_due()
        held_tasks_move()
        crowded_update()
        suggestions_request()
        receipts_note()
        trees_condemn()
    trees_destroy(store)
    leaves_destroy(store)
    deletions_finish(store)


def leaves_retire() -> None:
    """Versions serve without their private leaf from when its dataset is deleted."""
    standing = Dataset.objects.unscoped().filter(pk=OuterRef("dataset_id"), deleted_at=None)
    PrivateLeaf.objects.unscoped().filter(~Exists(standing), retired_at=None).update(retired_at=Now())


def forgetting_advance() -> None:
    """Ask for the updates that bring live trees to forget what the ledger says."""
    for record in DeletionRecord.objects.unscoped().filter(forgotten_at=None):
        live = tainted_trees(record).filter(retired_at=None)
        _update_domains(live)


def orphans_update() -> None:
    """Ask for updates of domains whose newest tree stands on a replaced one; an older one goes soon."""
    live = TreeVersion.objects.unscoped().filter(retired_at=None)
    newest = live.filter(domain=OuterRef("domain")).order_by("-created_at", "id")
    _update_domains(live.filter(parent__retired_at__isnull=False, pk=Subquery(newest.values("pk")[:1])))


def crowded_update() -> None:
    """Ask for updates of domains that serve on too many trees: the gate lets tasks move, one older stays."""
    for domain in domains_crowded():
        _request(domain)


def general_follow() -> None:
    """Ask for updates of domains whose newest tree stands on another tree of the root than the newest, where
    the tree of the nodes above them stands on that one already."""
    backbone = Backbone.objects.filter(is_default=True).first()
    general = Domain.objects.unscoped().filter(tenant=None, slug=GENERAL_DOMAIN).first()
    root = tree_newest(domain=general, backbone=backbone) if general is not None and backbone else None
    if root is None:
        return  # the installation is still being prepared
    live = TreeVersion.objects.unscoped().filter(backbone=backbone, retired_at=None).exclude(domain=general)
    newest = live.order_by("domain_id", "-created_at", "id").distinct("domain_id").select_related("domain")
    for tree in newest:
        if _root_of(tree) != root and _root_of(tree_above(tree.domain)) == root:
            _request(tree.domain)


def domains_update_due() -> None:
    """Ask for updates of domains with a segment that is not in their newest tree, at most once a day."""
    newest = TreeVersion.objects.unscoped().filter(domain=OuterRef("domain"), retired_at=None)
    recent = DomainJob.objects.unscoped().filter(
        domain=OuterRef("domain"),
        does=DomainJobKind.UPDATE,
        brings_back=None,
        created_at__gt=Now() - UPDATE_EVERY,
    )
    waiting = (
        Segment.objects.unscoped()
        .filter(dataset__deleted_at=None, created_at__lt=Now() - UPDATE_EVERY, domain__tenant__isnull=False)
        .annotate(newest=newest.order_by("-created_at").values("segments")[:1])
        .filter(~Exists(recent))
        .select_related("domain__tenant")
    )
    for segment in waiting:
        held = {one["dataset"] for one in segment.newest or ()}
        if str(segment.dataset_id) not in held:
            _request(segment.domain)


def shared_domains_update_due() -> None:
    """Ask for updates of shared domains that may have more than their newest tree has, at most once a day."""
    made_anew = DomainJob.objects.unscoped().filter(does=DomainJobKind.UPDATE, brings_back=None)
    recent = made_anew.filter(domain=OuterRef("pk"), created_at__gt=Now() - UPDATE_EVERY)
    shared = Domain.objects.unscoped().filter(~Exists(recent), tenant=None).exclude(slug=GENERAL_DOMAIN)
    for domain in shared:
        trees = TreeVersion.objects.unscoped().filter(domain=domain, retired_at=None)
        newest = trees.order_by("-created_at").first()
        held = {one["dataset"] for one in newest.segments} if newest is not None else set()
        given = {one.dataset_id for one in contributions_of(domain) if one.tenant_id is not None}
        updates = made_anew.filter(domain=domain, state=JobState.SUCCEEDED)
        last = updates.order_by("-started_at").values_list("started_at", flat=True).first()
        texts = OperatorSegment.objects.filter(domain=domain)
        if given - held or (texts if last is None else texts.filter(created_at__gt=last)).exists():
            _request(domain)


def suggestions_request() -> None:
    """Every dataset that is ready is measured once against the domains that its tenant sees."""
    measured = DomainJob.objects.unscoped().filter(dataset=OuterRef("pk"))
    fresh = Dataset.objects.unscoped().filter(~Exists(measured), state=DatasetState.READY, deleted_at=None)
    general = TreeVersion.objects.unscoped().filter(domain__slug=GENERAL_DOMAIN, tenant=None, retired_at=None)
    if not general.exists():
        return  # the installation is still being prepared
    for dataset in fresh.order_by("-created_at")[:MAX_SUGGESTIONS]:
        job = DomainJob(tenant_id=dataset.tenant_id, dataset=dataset, does=DomainJobKind.SUGGEST)
        job.save(force_insert=True)
        enqueue_on_commit(JobName.DOMAIN_RUN, id=str(job.pk))


def receipts_note() -> None:
    """Receipts name the trees that go, before they are gone."""
    for record in DeletionRecord.objects.unscoped().filter(forgotten_at=None):
        known = {tree["digest"]: tree for tree in record.trees}
        for tree in tainted_trees(record).select_related("replaced_by"):
            by = tree.replaced_by.digest if tree.replaced_by is not None else None
            known[tree.digest] = {"uri": tree.uri, "digest": tree.digest, "replaced_by": by}
        for leaf in PrivateLeaf.objects.unscoped().filter(dataset_id=record.subject_id):
            known[leaf.digest] = {"uri": leaf.uri, "digest": leaf.digest, "replaced_by": None}
        noted = [known[digest] for digest in sorted(known)]
        DeletionRecord.objects.unscoped().filter(pk=record.pk).update(trees=noted)


def trees_condemn() -> None:
    """Mark the replaced trees that hold what must be forgotten: jobs that read them begin anew."""
    for record in DeletionRecord.objects.unscoped().filter(forgotten_at=None):
        tainted_trees(record).filter(retired_at__isnull=False, condemned_at=None).update(condemned_at=Now())


def trees_destroy(store: ObjectStore) -> None:
    """Delete the bundles of trees that were retired a while ago, once no tree stands on their nodes; those
    that jobs read only when they must be forgotten."""
    with operator_scope():
        found = list(_trees_due().values_list("pk", flat=True))
    refusals = Refusals(store)
    for tree_id in found:
        with refusals.passed_over(f"tree {tree_id}"), operator_scope():
            # Locked, then looked at again: whoever makes or registers the same tree comes before or after.
            tree = TreeVersion.objects.unscoped().select_for_update(of=("self",)).filter(pk=tree_id).first()
            if tree is None or not _trees_due().filter(pk=tree_id).exists():
                continue
            if not TreeVersion.objects.unscoped().filter(uri=tree.uri, retired_at=None).exists():
                store.delete_beside(tree.uri)
            TreeVersion.objects.unscoped().filter(pk=tree_id).update(destroyed_at=Now())
            _log.info("tree.destroyed", tree=str(tree_id))


def _trees_due() -> QuerySet[TreeVersion]:
    """Those to be destroyed now. An update under way that makes the same tree has found it at its place."""
    below = TreeVersion.objects.unscoped().filter(parent=OuterRef("pk"), destroyed_at=None)
    made_again = DomainJob.objects.unscoped().filter(out_uri=OuterRef("uri"), state__in=UNFINISHED)
    return TreeVersion.objects.unscoped().filter(
        ~Exists(below),
        ~Exists(made_again),
        Q(condemned_at__isnull=False) | ~Q(pk__in=trees_in_use()),
        destroyed_at=None,
        retired_at__lt=Now() - SERVICE_GRACE,
    )


def leaves_destroy(store: ObjectStore) -> None:
    """Delete the bundles of private leaves that were retired a while ago."""
    with operator_scope():
        leaves = PrivateLeaf.objects.unscoped()
        due = leaves.filter(destroyed_at=None, retired_at__lt=Now() - SERVICE_GRACE)
        found = list(due.values_list("pk", "uri"))
    refusals = Refusals(store)
    for leaf_id, uri in found:
        with refusals.passed_over(uri):
            store.delete_beside(uri)
            with operator_scope():
                PrivateLeaf.objects.unscoped().filter(pk=leaf_id).update(destroyed_at=Now())
            _log.info("leaf.destroyed", leaf=str(leaf_id))


def deletions_finish(store: ObjectStore) -> None:
    """Complete the receipts of deletions of which nothing is left."""
    with operator_scope():
        pending = list(DeletionRecord.objects.unscoped().filter(forgotten_at=None))
    tenants = {record.tenant_id for record in pending}
    refusals = Refusals(store)
    # A tree that a cancelled training or a failed update left behind holds the text too.
    _leftovers_delete(store, _folders(Tenant.objects.filter(pk__in=tenants)) if pending else [], refusals)
    for record in pending:
        if record.subject == DeletionSubject.TENANT:
            with refusals.passed_over(f"tenants/{record.tenant_id}"):
                store.delete(f"tenants/{record.tenant_id}")
        with operator_scope():
            if not refusals.may_hold_text_of(record.tenant_id) and _is_forgotten(record):
                DeletionRecord.objects.unscoped().filter(pk=record.pk).update(forgotten_at=Now())
                _log.info("deletion.done", record=str(record.pk))


def leftovers_delete(store: ObjectStore) -> None:
    """Delete bundles that no row and no unfinished job knows: of cancelled jobs, and of deleted tasks."""
    _leftovers_delete(store, _folders(Tenant.objects.all()), Refusals(store))


def _folders(tenants: QuerySet[Tenant]) -> list[str]:
    """Of the store, of these tenants and of the shared domains."""
    with operator_scope():
        own = [str(pk) for pk in tenants.values_list("pk", flat=True)]
        shared = Domain.objects.unscoped().filter(tenant=None).values_list("pk", flat=True)
        return [f"tenants/{tenant}" for tenant in own] + [f"domains/{domain}" for domain in shared]


def _leftovers_delete(store: ObjectStore, folders: Iterable[str], refusals: Refusals) -> None:
    for folder in folders:
        with refusals.passed_over(folder):
            _archives_delete(store, folder, refusals)
            _texts_delete(store, folder, refusals)
            _bundles_delete(store, folder, refusals)


def _bundles_delete(store: ObjectStore, folder: str, refusals: Refusals) -> None:
    for kind in ("trees", "versions"):
        # Listed first: what is published meanwhile is not in the list, and what is in it is known by now.
        places = {f"{folder}/{kind}/{_stem(name)}" for name in store.names(f"{folder}/{kind}")}
        for uri in sorted(places - _known(places)):
            with refusals.passed_over(uri):
                store.delete_beside(uri)
                _log.info("store.leftover_deleted", uri=uri)


def _archives_delete(store: ObjectStore, folder: str, refusals: Refusals) -> None:
    """Archives of adapters whose import has ended, or was never known."""
    names = store.names(f"{folder}/imports")
    with operator_scope():
        imports = AdapterImport.objects.unscoped().filter(state__in=UNFINISHED)
        needed = set(imports.values_list("archive_uri", flat=True))
    for name in names:
        uri = f"{folder}/imports/{name}"
        if uri not in needed and is_left_over(name, now=time.time()):
            with refusals.passed_over(uri):
                store.delete(uri)


def _texts_delete(store: ObjectStore, folder: str, refusals: Refusals) -> None:
    """What is left of datasets and of files on their way: of a program that was killed before their row
    stood, or that wrote on when they had been deleted."""
    for kind, model in _TEXTS if folder.startswith("tenants/") else ():
        names = store.names(f"{folder}/{kind}")
        with operator_scope():
            ids = [_stem(name) for name in names if _is_uuid(_stem(name))]
            known = {
                str(pk) for pk in model.objects.unscoped().filter(pk__in=ids).values_list("pk", flat=True)
            }
            deleted = DeletionRecord.objects.unscoped().filter(subject_id__in=ids)
            gone = {str(pk) for pk in deleted.values_list("subject_id", flat=True)}
        for name in names:
            uri = f"{folder}/{kind}/{name}"
            if _stem(name) in known:
                continue
            with refusals.passed_over(uri):
                # Its row may be about to stand; not that of what was deleted.
                changed_at = None if _stem(name) in gone else store.changed_at(uri)
                if changed_at is None or changed_at < timezone.now() - LEFT_OVER_AFTER:
                    store.delete(uri)
                    _log.info("store.leftover_deleted", uri=uri)


def _stem(name: str) -> str:
    """The name of the bundle that a file belongs to: itself, a part beside it, or one half-written."""
    return name.lstrip(".").partition(".")[0]


def _known(places: set[str]) -> set[str]:
    jobs = {uri.rpartition("/")[2]: uri for uri in places}
    with operator_scope():
        trees = TreeVersion.objects.unscoped().filter(uri__in=places, destroyed_at=None)
        versions = AdapterVersion.objects.unscoped().filter(bundle_uri__in=places)
        updates = DomainJob.objects.unscoped().filter(out_uri__in=places, state__in=UNFINISHED)
        ids = [name for name in jobs if _is_uuid(name)]
        trainings = TrainingJob.objects.unscoped().filter(pk__in=ids, state__in=UNFINISHED)
        imports = AdapterImport.objects.unscoped().filter(pk__in=ids, state__in=UNFINISHED)
        return {
            *trees.values_list("uri", flat=True),
            *versions.values_list("bundle_uri", flat=True),
            *updates.values_list("out_uri", flat=True),
            *(jobs[str(pk)] for pk in trainings.values_list("pk", flat=True)),
            *(jobs[str(pk)] for pk in imports.values_list("pk", flat=True)),
        }


def _is_uuid(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _update_domains(trees: QuerySet[TreeVersion]) -> None:
    """One update for each domain of these trees, those above before those below."""
    waiting = {tree.domain_id: tree.domain for tree in trees.select_related("domain__tenant")}
    for domain in waiting.values():
        if domain.parent_id not in waiting:
            _request(domain)


def _root_of(tree: TreeVersion) -> TreeVersion:
    while tree.parent is not None:
        tree = tree.parent
    return tree


def _request(domain: Domain) -> None:
    jobs = DomainJob.objects.unscoped().filter(domain=domain, does=DomainJobKind.UPDATE)
    # A bring-back that came to nothing says nothing of updates, and forgetting does not wait for it.
    failed = jobs.filter(brings_back=None, state=JobState.FAILED, finished_at__gt=Now() - AGAIN_AFTER)
    if failed.exists() or jobs.filter(state__in=UNFINISHED).exists():
        return
    try:
        domain_update_request(domain=domain, acting=OPERATOR)
    except Conflict:
        return  # somebody else has asked


def _is_forgotten(record: DeletionRecord) -> bool:
    if tainted_trees(record).exists():
        return False
    match record.subject:
        case DeletionSubject.DATASET:
            leaves = PrivateLeaf.objects.unscoped().filter(dataset_id=record.subject_id, destroyed_at=None)
            is_gone = not Dataset.objects.unscoped().filter(pk=record.subject_id).exists()
            return is_gone and not leaves.exists()
        case DeletionSubject.TENANT:
            # A process of the tenant that was still running has heard of it by then.
            waited = DeletionRecord.objects.unscoped().filter(
                pk=record.pk, deleted_at__lt=Now() - SERVICE_GRACE
            )
            return waited.exists()
        case _:
            return True
