"""Plans and limits are set by the operator, quotas watched, old hours and events forgotten."""

from datetime import datetime, timedelta

from django.db import transaction
from django.forms.models import model_to_dict

from portal.audit.services import audit_record
from portal.common.pruning import prune
from portal.common.scope import operator_scope, tenant_scope
from portal.tenants.actors import Actor
from portal.tenants.models import Tenant
from portal.usage.models import ComparisonEvent, Plan, QuotaNotice, TenantLimits, UsageEvent, UsageHour
from portal.usage.selectors import Allowance, allowances_with_quota
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit

HOURS_KEPT_FOR = timedelta(days=92)
QUOTA_PERCENTS = (80, 100)
"""Of a quota: webhooks are told when so much of it is used."""


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


def quotas_watch(*, now: datetime) -> None:
    """Tell the webhooks of tenants that have used much of a quota, or all of it. May run twice at once."""
    with operator_scope():
        allowances = allowances_with_quota(now=now)
    for tenant_id, allowance in allowances.items():
        used_of = (
            ("texts", allowance.quota_texts, allowance.used_texts),
            ("tokens", allowance.quota_tokens, allowance.used_tokens),
        )
        reached = [
            (what, quota, used)
            for what, quota, used in used_of
            if quota is not None and 100 * used >= min(QUOTA_PERCENTS) * quota
        ]
        if reached:
            with tenant_scope(tenant_id):
                for tenant in Tenant.objects.filter(pk=tenant_id):  # none: it is gone, and its usage is not
                    for what, quota, used in reached:
                        _tell_reached(tenant, allowance, what, quota, used)


@transaction.atomic
def _tell_reached(tenant: Tenant, allowance: Allowance, what: str, quota: int, used: int) -> None:
    """Of several percents at once the highest is told alone; each is noted."""
    percents = [percent for percent in QUOTA_PERCENTS if 100 * used >= percent * quota]
    is_new = [
        QuotaNotice.objects.for_tenant(tenant).get_or_create(
            tenant=tenant,
            what=what,
            percent=percent,
            period=allowance.period,
            period_began=allowance.period_began,
            quota=quota,
            defaults={"used": used},
        )[1]
        for percent in percents
    ]
    if is_new[-1]:
        event_emit(
            tenant=tenant,
            type=EventType.QUOTA_REACHED,
            subject=tenant.pk,
            data={
                "what": what,
                "percent": percents[-1],
                "used": used,
                "quota": quota,
                "period": allowance.period.value,
                "period_began": allowance.period_began.isoformat(),
            },
        )


def usage_prune(*, now: datetime, events_kept_for: timedelta) -> None:
    """Forget hours and notices that are past being asked for, and events, whose sums were made as they came.
    Days are kept."""
    with operator_scope():
        QuotaNotice.objects.unscoped().filter(created_at__lt=now - HOURS_KEPT_FOR).delete()
        UsageHour.objects.unscoped().filter(hour__lt=now - HOURS_KEPT_FOR).delete()
    for model in (UsageEvent, ComparisonEvent):
        events = model.objects.unscoped()
        prune(events.filter(created_at__lt=now - events_kept_for).order_by("created_at"))
