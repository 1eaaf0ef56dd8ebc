"""Who moves to a new tree of a domain, who stays on an older one, and which trees stay live beside it.

    newest ◄── tasks that the gate lets move, and all others when their time is over
    kept   ◄── tasks that lose by the newest, or could not be tried on it: one older tree at most

So after an update two trees of the domain are live at most. Trainings add trees between updates: those that
nothing serves go at once, the others with the update that is asked for domains_crowded.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from portal.audit.services import audit_record
from portal.catalog.models import GENERAL_DOMAIN, Domain, TreeVersion
from portal.catalog.selectors import backbone_default, moment_after, tree_newest
from portal.domains.models import DomainJob
from portal.serving.holds import MoveReason, deployment_hold, deployment_move
from portal.serving.models import Deployment, DeploymentState, HeldTask, HoldReason, Trial, TrialState
from portal.serving.selectors import served_tree
from portal.tenants.actors import OPERATOR
from portal.training.models import UNFINISHED
from wire.domains import TaskVerdict
from wire.ids import Digest, TaskId

MAX_LIVE = 2
"""Trees of a domain, for the backbone that is served."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What the gate tried: a verdict is of this alone, whatever has been deployed or moved meanwhile."""

    task_id: TaskId
    version: Digest
    tree: Digest  # that it served on


Verdicts = Mapping[Tried, TaskVerdict]


@dataclass(frozen=True, slots=True)
class _Staying:
    """A deployment that is to stay where it is, if there is room."""

    deployment: Deployment
    served: TreeVersion
    verdict: TaskVerdict | None
    is_held: bool  # already

    @property
    def loses(self) -> bool:
        return self.verdict is not None and self.verdict.num_rows > 0


def tree_follow(tree: TreeVersion, verdicts: Verdicts, *, actor: str) -> None:
    """Make ``tree`` its domain's newest: move who does not lose, hold the others, retire what is left over.

    Two trees are live afterwards at most. Runs in the update's transaction.
    """
    newest = tree_newest(domain=tree.domain, backbone=tree.backbone)
    if newest is not None and newest.pk != tree.pk:  # the same content was the newest once before
        TreeVersion.objects.unscoped().filter(pk=tree.pk).update(created_at=moment_after(newest))
    left = [one for one in _deployments(tree) if not _is_moved(one, tree, verdicts, actor=actor)]
    held = HeldTask.objects.unscoped().filter(deployment__in=left)
    before = set(held.values_list("deployment_id", flat=True))
    staying = [_Staying(one, served_tree(one), _verdict(one, verdicts), one.pk in before) for one in left]
    kept = _kept(staying)
    for one in staying:
        if kept is not None and one.served.pk == kept.pk:
            reason = HoldReason.LOSES if one.loses else HoldReason.UNTRIED
            deployment_hold(
                deployment=one.deployment, tree=tree, reason=reason, verdict=one.verdict, actor=actor
            )
        else:
            deployment_move(
                deployment=one.deployment,
                tree=tree,
                reason=MoveReason.NO_ROOM,
                verdict=one.verdict,
                actor=actor,
            )
    kept = kept or _to_go_back_to(tree)
    older = _live(tree.domain).exclude(pk=tree.pk)
    _retire(older if kept is None else older.exclude(pk=kept.pk), by=tree)


def tree_bring_back(tree: TreeVersion, verdicts: Verdicts, *, actor: str) -> None:
    """Let deployments on the newest tree go back to ``tree``, but those that lose by it; for a bounded time,
    since what they leave is the tree that all later ones are made from."""
    newest = tree_newest(domain=tree.domain, backbone=backbone_default())
    assert newest is not None and newest.pk != tree.pk, "is_allowed has looked"
    for deployment in _deployments(tree):
        if served_tree(deployment).pk != newest.pk:
            continue
        verdict = _verdict(deployment, verdicts)
        loses = verdict is not None and verdict.num_rows > 0 and not verdict.moves
        audit_record(
            actor=actor,
            action="deployment.stay" if loses else "deployment.bring_back",
            target=deployment,
            tenant=deployment.tenant,
            tree=tree.digest,
        )
        if not loses:
            HeldTask.objects.unscoped().filter(deployment=deployment).delete()
            deployment.tree_version = tree
            deployment.save(update_fields=["tree_version"])
            reason = HoldReason.BROUGHT_BACK
            deployment_hold(deployment=deployment, tree=newest, reason=reason, verdict=verdict, actor=actor)


def held_tasks_move() -> None:
    """Held tasks whose time is over follow the newest tree, whatever it does to them."""
    due = HeldTask.objects.unscoped().filter(until__lte=timezone.now())
    for held in due.select_related("tree__replaced_by"):
        tree = held.tree.replaced_by or held.tree
        newest = tree_newest(domain=tree.domain, backbone=tree.backbone) or tree
        for deployment in _deployments(newest).filter(pk=held.deployment_id):
            deployment_move(
                deployment=deployment,
                tree=newest,
                reason=MoveReason.TIME_OVER,
                verdict=None,
                actor=OPERATOR.name,
            )


def domains_crowded() -> list[Domain]:
    """Retire trees that nothing serves where a domain has more than MAX_LIVE; domains that still have more.

    An update under way does this at its end, and may be reading them: its domain is left alone.
    """
    live = TreeVersion.objects.unscoped().filter(backbone__is_default=True, retired_at=None)
    counted = live.values("domain").annotate(number=Count("pk")).filter(number__gt=MAX_LIVE)
    updates = DomainJob.objects.unscoped().filter(state__in=UNFINISHED, domain=OuterRef("pk"))
    found = Domain.objects.unscoped().filter(~Exists(updates), pk__in=counted.values("domain"))
    crowded = []
    for domain in found.select_related("tenant"):
        if domain.tenant_id is None and domain.slug == GENERAL_DOMAIN:
            _general_thin(live.filter(domain=domain))
        elif not _thin(live.filter(domain=domain)):
            crowded.append(domain)
    return crowded


def _is_moved(deployment: Deployment, tree: TreeVersion, verdicts: Verdicts, *, actor: str) -> bool:
    """Move ``deployment`` to ``tree`` if it may go, or must; True also where it was there already."""
    served, verdict = served_tree(deployment), _verdict(deployment, verdicts)
    held = HeldTask.objects.unscoped().filter(deployment=deployment)
    if served.pk == tree.pk:
        held.delete()
        return True
    if verdict is not None and verdict.moves:
        reason = MoveReason.ACCEPTED
    elif not _is_within(served, tree):
        reason = MoveReason.TEXT_DELETED
    elif held.filter(until__lte=timezone.now()).exists():
        reason = MoveReason.TIME_OVER
    else:
        return False
    deployment_move(deployment=deployment, tree=tree, reason=reason, verdict=verdict, actor=actor)
    return True


def _kept(staying: Iterable[_Staying]) -> TreeVersion | None:
    """The tree of those that are held and lose by leaving, then of those that lose, then of those that are
    held; of equals the one that more stay on, then the newest."""
    trees: dict[UUID, list[_Staying]] = {}
    for one in staying:
        trees.setdefault(one.served.pk, []).append(one)
    if not trees:
        return None
    return max(trees.values(), key=_claim)[0].served


def _claim(staying: Sequence[_Staying]) -> tuple[int, int, int, int, datetime]:
    """Of all that stay on one tree: what speaks for keeping it, the most important first."""
    return (
        sum(one.is_held and one.loses for one in staying),
        sum(one.loses for one in staying),
        sum(one.is_held for one in staying),
        len(staying),
        staying[0].served.created_at,
    )


def _to_go_back_to(tree: TreeVersion) -> TreeVersion | None:
    """The live one before ``tree``, if it can be brought back."""
    before = _live(tree.domain).exclude(pk=tree.pk).filter(parent__retired_at=None)
    return next((old for old in before.order_by("-created_at") if _is_within(old, tree)), None)


def _thin(live: QuerySet[TreeVersion]) -> bool:
    """Retire what nothing serves, the oldest first; is what stays few enough?"""
    newest, *older = live.order_by("-created_at", "id")
    served = _served(older)
    unserved = [old for old in reversed(older) if old.pk not in served and _is_within(old, newest)]
    too_many = len(older) + 1 - MAX_LIVE
    going = unserved[:too_many]
    _retire(live.filter(pk__in=[old.pk for old in going]), by=newest)
    return len(going) == too_many


def _general_thin(live: QuerySet[TreeVersion]) -> None:
    """The operator's text has no gate: tasks in the root itself move with the third tree, and are told."""
    newest, _, *oldest = live.order_by("-created_at", "id")
    for deployment in _deployments(newest):
        if served_tree(deployment).pk in {old.pk for old in oldest}:
            deployment_move(
                deployment=deployment,
                tree=newest,
                reason=MoveReason.NO_ROOM,
                verdict=None,
                actor=OPERATOR.name,
            )
    _retire(live.filter(pk__in=[old.pk for old in oldest]), by=newest)


def _retire(trees: QuerySet[TreeVersion], *, by: TreeVersion) -> None:
    """``by`` serves instead of each; their bundles go a while later."""
    pks = list(trees.values_list("pk", flat=True))
    every = TreeVersion.objects.unscoped().filter(domain=by.domain).exclude(pk=by.pk)
    # By the database's clock, as the grace after it: a worker's may be minutes behind.
    every.filter(pk__in=pks).update(retired_at=Now(), replaced_by=by)
    # What had been replaced by a tree that is now replaced itself: one step leads to a live tree, always.
    every.filter(replaced_by__retired_at__isnull=False).update(replaced_by=by)


def _served(trees: Iterable[TreeVersion]) -> set[UUID]:
    """Which of one domain's trees deployed versions, or those on trial, look up in."""
    domain = next(iter(trees)).domain_id
    deployments = _loaded(Deployment.objects.unscoped().filter(state=DeploymentState.ACTIVE))
    trials = Trial.objects.unscoped().filter(task__domain_id=domain, state=TrialState.RUNNING)
    versions = [one.version for one in trials.select_related("version__tree_version__replaced_by")]
    return {
        *(served_tree(one).pk for one in deployments.filter(task__domain_id=domain)),
        *((one.tree_version.replaced_by or one.tree_version).pk for one in versions),
    }


def _deployments(tree: TreeVersion) -> QuerySet[Deployment]:
    """Those that serve, of the tree's domain."""
    active = Deployment.objects.unscoped().filter(state=DeploymentState.ACTIVE)
    return _loaded(active.filter(task__domain_id=tree.domain_id))


def _loaded(deployments: QuerySet[Deployment]) -> QuerySet[Deployment]:
    return deployments.select_related(
        "tenant", "task", "version__tree_version__replaced_by", "tree_version__replaced_by"
    )


def _verdict(deployment: Deployment, verdicts: Verdicts) -> TaskVerdict | None:
    version, tree = deployment.version.bundle_digest, served_tree(deployment).digest
    return verdicts.get(Tried(TaskId(str(deployment.task_id)), Digest(version), Digest(tree)))


def _live(domain: Domain) -> QuerySet[TreeVersion]:
    return TreeVersion.objects.unscoped().filter(domain=domain, retired_at=None)


def _is_within(old: TreeVersion, new: TreeVersion) -> bool:
    """Does ``old`` hold nothing that ``new`` may not hold? For the new one holds all that is allowed."""
    allowed = {segment["dataset"] for segment in new.segments}
    return all(segment["dataset"] in allowed for segment in old.segments)
