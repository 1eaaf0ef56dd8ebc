"""The deletion ledger outside of the database, and deleting again what it names after a restore.

A restored backup knows nothing of what was deleted after it: the ledger, copied away more often, does.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.audit.services import audit_record
from portal.common.errors import InUse
from portal.common.scope import operator_scope
from portal.datasets.models import Dataset
from portal.datasets.services import dataset_delete
from portal.domains.models import Contribution, DeletionRecord, DeletionSubject, GateConsent
from portal.domains.services import contribution_revoke, gate_consent_set, tenant_forget
from portal.tenants.actors import OPERATOR
from portal.tenants.models import Tenant
from portal.training.models import UNFINISHED, TrainingJob
from portal.training.services import training_cancel

IDS = ("id", "tenant_id", "subject_id", "domain_id")
LISTS = ("segments", "versions", "trees")
TIMES = ("deleted_at", "forgotten_at")


class BrokenLedger(ValueError):
    """A line of a copied ledger cannot be read; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What deleting again came to."""

    num_lines: int  # of the ledger
    deleted: tuple[str, ...]  # "dataset 6a1f...": what stood and was deleted once more
    waiting: tuple[str, ...]  # what a training uses; it was cancelled, so delete again in a minute


def ledger_lines() -> Iterator[str]:
    """The whole ledger, oldest first, a JSON object a line: ids, places and digests, and no text."""
    with operator_scope():
        records = list(DeletionRecord.objects.unscoped().order_by("deleted_at", "id"))
    for record in records:
        plain: dict[str, Any] = {"subject": record.subject}
        plain |= {name: _text(getattr(record, name)) for name in IDS}
        plain |= {name: getattr(record, name) for name in LISTS}
        for name in TIMES:
            time = getattr(record, name)
            plain[name] = time.isoformat() if time is not None else None
        yield json.dumps(plain, sort_keys=True)


def ledger_take(lines: Iterable[str]) -> int:
    """Put the lines of ledger_lines() that the database lacks into it, all or none; their number.

    What was forgotten of a dataset or tenant may stand in the store again, and the database may never have
    heard of it: it is looked for anew. Raises BrokenLedger.
    """
    records = [_record(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    with operator_scope():
        rows = DeletionRecord.objects.unscoped()
        known = set(rows.values_list("pk", flat=True))
        new = [record for record in records if record.pk not in known]
        for record in new:
            if record.subject in (DeletionSubject.DATASET, DeletionSubject.TENANT):
                record.forgotten_at = None
            record.save(force_insert=True)
    return len(new)


def ledger_replay() -> Replay:
    """Delete whatever stands of what the ledger names; each deletion is a new line, with its own receipt.

    May run again and again. What is deleted is forgotten as always, by domains.reconcile.
    """
    with operator_scope():
        records = list(DeletionRecord.objects.unscoped().order_by("deleted_at", "id"))
    deleted, waiting = [], []
    for record in records:
        try:
            with operator_scope():
                if _delete_again(record):
                    deleted.append(_name(record))
        except InUse:
            _cancel_trainings(record.subject_id)
            waiting.append(_name(record))
    return Replay(len(records), tuple(deleted), tuple(waiting))


def _delete_again(record: DeletionRecord) -> bool:
    """Whether it stood. Raises InUse for a dataset that a training uses."""
    match DeletionSubject(record.subject):
        case DeletionSubject.DATASET:
            datasets = Dataset.objects.unscoped().select_related("tenant")
            dataset = datasets.filter(pk=record.subject_id, deleted_at=None).first()
            if dataset is None:
                return False
            dataset_delete(dataset=dataset, acting=OPERATOR)
        case DeletionSubject.CONTRIBUTION:
            consents = Contribution.objects.unscoped().select_related("tenant")
            consent = consents.filter(pk=record.subject_id, revoked_at=None).first()
            if consent is None:
                return False
            contribution_revoke(tenant=consent.tenant, contribution_id=consent.pk, acting=OPERATOR)
        case DeletionSubject.GATE_CONSENT:
            given = GateConsent.objects.unscoped().select_related("task__tenant").filter(pk=record.subject_id)
            agreed = given.first()
            if agreed is None:
                return False
            gate_consent_set(task=agreed.task, is_given=False, acting=OPERATOR)
        case DeletionSubject.TENANT:
            tenant = Tenant.objects.filter(pk=record.subject_id).first()
            if tenant is None:
                return False
            tenant_forget(tenant=tenant, confirm=tenant.slug, acting=OPERATOR)
    audit_record(actor=OPERATOR.name, action="deletion.replay", target=record, tenant=None)
    return True


def _cancel_trainings(dataset_id: UUID) -> None:
    with operator_scope():
        jobs = TrainingJob.objects.unscoped().filter(dataset_id=dataset_id, state__in=UNFINISHED)
        for job in jobs.filter(cancel_requested=False).select_related("tenant"):
            training_cancel(job=job, acting=OPERATOR)


def _record(number: int, line: str) -> DeletionRecord:
    try:
        plain = json.loads(line)
        values: dict[str, Any] = {"subject": DeletionSubject(plain["subject"])}
        values |= {name: UUID(plain[name]) if plain[name] is not None else None for name in IDS}
        values |= {name: list(plain[name]) for name in LISTS}
        for name in TIMES:
            values[name] = datetime.fromisoformat(plain[name]) if plain[name] is not None else None
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BrokenLedger(f"line {number} is no line of a ledger: {exc}; nothing was taken over") from exc
    return DeletionRecord(**values)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _name(record: DeletionRecord) -> str:
    return f"{record.subject} {record.subject_id}"
