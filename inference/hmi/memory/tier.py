"""The three places where weights and PLOT rows can be, fastest first."""

from enum import StrEnum


class MemoryTier(StrEnum):
    """A place with a hard budget of its own."""

    DEVICE = "device"  # what the forward reads from
    HOST = "host"  # verified and parsed, one copy away from the device
    DISK = "disk"  # the store, or its local copy
