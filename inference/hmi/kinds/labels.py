"""The rule on a task's labels."""

from collections.abc import Sequence

from hmi.base.errors import BundleMismatch


def check_labels(labels: Sequence[str], *, least: int) -> None:
    """Raise BundleMismatch for fewer than ``least`` labels, or two that are equal."""
    if len(labels) < least or len(set(labels)) < len(labels):
        raise BundleMismatch(f"such a task has {least} or more different labels, got {len(labels)}")
