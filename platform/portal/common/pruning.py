"""Deletes old rows in batches, so that who writes to their table waits for no long transaction."""

from typing import Any

from django.db import models

from portal.common.scope import operator_scope

ROWS_AT_ONCE = 10_000
"""Deleted in one transaction."""
MAX_ROUNDS = 1_000
"""Of such deletions in one call; the next one goes on."""


def prune(old: models.QuerySet[Any]) -> None:
    """Delete the rows of ``old``, whosever they are, in its order."""
    for _ in range(MAX_ROUNDS):
        with operator_scope():
            some = old.values("pk")[:ROWS_AT_ONCE]
            num_deleted, _ = old.model._base_manager.filter(pk__in=some).delete()
        if num_deleted < ROWS_AT_ONCE:
            return
