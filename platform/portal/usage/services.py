"""The operator sets plans, and what is different for single tenants; old hours are forgotten."""

from datetime import datetime, timedelta

from django.db import transaction
from django.forms.models import model_to_dict

from portal.audit.services import audit_record
from portal.common.scope import operator_scope
from portal.tenants.actors import Actor
from portal.usage.models import Plan, TenantLimits, UsageHour

HOURS_KEPT_FOR = timedelta(days=92)


@transaction.atomic
def plan_save(*, plan: Plan, acting: Actor) -> None:
    """A new or changed plan. Operator's scope."""
    plan.save()
    audit_record(actor=acting.name, action="plan.save", target=plan, tenant=None, **model_to_dict(plan))


@transaction.atomic
def plan_make_default(*, plan: Plan, acting: Actor) -> None:
    """Tenants without a plan of their own have this one from now on. Operator's scope."""
    Plan.objects.filter(is_default=True).update(is_default=False)
    Plan.objects.filter(pk=plan.pk).update(is_default=True)
    audit_record(actor=acting.name, action="plan.make_default", target=plan, tenant=None)


@transaction.atomic
def tenant_limits_save(*, limits: TenantLimits, acting: Actor) -> None:
    """What is different for one tenant. Operator's scope."""
    limits.save()
    audit_record(
        actor=acting.name,
        action="tenant_limits.save",
        target=limits,
        tenant=limits.tenant,
        **model_to_dict(limits, exclude=["tenant"]),
    )


def hours_prune(*, now: datetime) -> None:
    """Forget the hours that are past being asked for; days are kept."""
    with operator_scope():
        UsageHour.objects.unscoped().filter(hour__lt=now - HOURS_KEPT_FOR).delete()
