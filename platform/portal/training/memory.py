"""How many trainings a worker runs at a time: as many as fit into its memory, and one alone always."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from portal.catalog.models import Task
from portal.common.errors import InvalidField
from portal.training.models import JobState, TrainingEstimate, TrainingJob
from wire.training import TRAINING_BYTES, Recipe

_ANONYMOUS = re.compile(r"^RssAnon:\s+(\d+) kB$", re.MULTILINE)


def reckoned_bytes(*, task: Task, dataset_id: UUID, recipe: Recipe, plain: dict[str, Any]) -> int | None:
    """What a training will take: as the newest estimate of the same says, or as the newest one on the same
    dataset with steps of the same size took; None where there is neither. ``plain``: the recipe as kept."""
    same: dict[str, Any] = {"task": task, "dataset_id": dataset_id, "state": JobState.SUCCEEDED}
    estimates = TrainingEstimate.objects.for_tenant(task.tenant).filter(**same, recipe=plain)
    estimate = estimates.order_by("-created_at").first()
    if estimate is not None and estimate.result and estimate.result.get("memory_bytes"):
        return int(estimate.result["memory_bytes"])
    trainings = TrainingJob.objects.for_tenant(task.tenant).filter(
        **same,
        recipe__batch_rows=recipe.batch_rows,
        recipe__max_tokens=recipe.max_tokens,
        peak_bytes__isnull=False,
    )
    return trainings.order_by("-created_at").values_list("peak_bytes", flat=True).first()


def check_fits(memory_bytes: int | None) -> None:
    """Raises InvalidField for a training that the worker has no room for, even alone."""
    most = int(settings.ENV.training_memory_bytes)
    if memory_bytes is not None and memory_bytes > most:
        raise InvalidField(
            "recipe",
            f"This training would take about {_gib(memory_bytes)} GiB of memory, and trainings have"
            f" {_gib(most)} GiB here: give it fewer batch_rows or max_tokens, or a smaller dataset.",
        )


def has_room(job: TrainingJob, *, running: QuerySet[TrainingJob], memory_bytes: int) -> bool:
    """May ``job`` run beside those that are ``running`` in the same memory?"""
    taken = running.aggregate(sum=Sum(Coalesce(F("memory_bytes"), Value(TRAINING_BYTES))))["sum"]
    return taken is None or taken + (job.memory_bytes or TRAINING_BYTES) <= memory_bytes


def process_bytes(pid: int) -> int | None:
    """What a process takes now, files that it has mapped aside, which the system takes back when it lacks
    memory; None where the system does not say."""
    try:
        found = _ANONYMOUS.search(Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    except OSError:
        return None
    return None if found is None else 1024 * int(found[1])


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / (1 << 30):.1f}"
