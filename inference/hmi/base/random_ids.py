"""Random ids without asking the operating system for each, which would give the interpreter to another thread
every time."""

import random
import uuid

_random = random.Random()  # seeded by the operating system


def random_id() -> uuid.UUID:
    """A random UUID (version 4). Not for secrets. From any thread; of forked processes both give the same."""
    return uuid.UUID(int=_random.getrandbits(128), version=4)
