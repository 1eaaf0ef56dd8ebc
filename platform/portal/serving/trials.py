"""Trying a version beside the one that serves, and ending that: by hand, or by verdict."""

import structlog
from django.db import transaction

from portal.audit.services import audit_record
from portal.catalog.models import AdapterVersion, Task
from portal.catalog.services import task_lock
from portal.common.errors import Conflict, NotFound
from portal.common.scope import operator_scope, tenant_scope
from portal.serving.models import Trial, TrialKind, TrialState
from portal.serving.selectors import deployment_active, trial_figures, trial_running
from portal.serving.services import check_published, deploy, trial_end
from portal.serving.verdict import Outcome, judge
from portal.tenants.actors import Actor

VERDICT = Actor("verdict")
_log = structlog.get_logger("portal.trials")


@transaction.atomic
def trial_start(
    *,
    version: AdapterVersion,
    kind: TrialKind,
    share: float,
    is_automatic: bool,
    min_texts: int,
    min_agreement: float,
    acting: Actor,
) -> Trial:
    """Try ``version`` beside the one that serves its task."""
    check_published(version)
    task = task_lock(version.task)
    active = deployment_active(tenant=task.tenant, task=task)
    if active is None:
        raise Conflict("Nothing serves this task: deploy a version first, to try another beside it.")
    if active.version_id == version.pk:
        raise Conflict(f"Version {version.number} is the one that serves: try another.")
    if trial_running(tenant=task.tenant, task=task) is not None:
        raise Conflict("A version of this task is on trial already: end that first.")
    trial = Trial(
        tenant=task.tenant,
        task=task,
        version=version,
        against=active.version,
        kind=kind,
        share=share,
        is_automatic=is_automatic,
        min_texts=min_texts,
        min_agreement=min_agreement,
        created_by=acting.user,
    )
    trial.save(force_insert=True)
    audit_record(
        actor=acting.name,
        action="trial.start",
        target=trial,
        tenant=task.tenant,
        task=task.slug,
        version=version.number,
        kind=kind.value,
        share=share,
    )
    return trial


@transaction.atomic
def trial_promote(*, task: Task, acting: Actor, reason: str = "By hand.") -> Trial:
    """The version on trial serves from now on, instead of the one it was tried against."""
    task_lock(task)
    trial = _running(task)
    trial_end(trial, TrialState.PROMOTED, reason=reason, acting=acting)
    deploy(version=trial.version, acting=acting)
    return trial


@transaction.atomic
def trial_roll_back(*, task: Task, acting: Actor, reason: str = "By hand.") -> Trial:
    """The version on trial gets no more requests."""
    task_lock(task)
    trial = _running(task)
    trial_end(trial, TrialState.ROLLED_BACK, reason=reason, acting=acting)
    return trial


def trials_judge() -> None:
    """Carry out the verdicts that are there. One that cannot be carried out does not stop the others."""
    with operator_scope():
        running = Trial.objects.unscoped().filter(state=TrialState.RUNNING, is_automatic=True)
        found = list(running.values_list("pk", "tenant_id"))
    for trial_id, tenant_id in found:
        try:
            with tenant_scope(tenant_id):
                _carry_out(Trial.objects.unscoped().select_related("task__tenant").get(pk=trial_id))
        except (Conflict, NotFound, Trial.DoesNotExist) as exc:
            _log.warning("trial.not_judged", trial=str(trial_id), reason=type(exc).__name__)


def _carry_out(trial: Trial) -> None:
    [figures] = trial_figures(tenant=trial.tenant, trials=[trial])
    verdict = judge(figures, min_texts=trial.min_texts, min_agreement=trial.min_agreement)
    if verdict.outcome is Outcome.WAIT:
        return
    task_lock(trial.task)
    if trial_running(tenant=trial.tenant, task=trial.task) != trial:
        return  # ended meanwhile, by hand or by another judge: the verdict is of no other trial
    if verdict.outcome is Outcome.PROMOTE:
        trial_promote(task=trial.task, acting=VERDICT, reason=verdict.reason)
    else:
        trial_roll_back(task=trial.task, acting=VERDICT, reason=verdict.reason)


def _running(task: Task) -> Trial:
    found = trial_running(tenant=task.tenant, task=task)
    if found is None:
        raise NotFound("trial")
    return found
