"""What lives is set aside from the collector, what is garbage is not kept."""

import gc
import weakref

from hmi.base.heap import YOUNG_OBJECTS, settle_heap


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_what_lives_is_looked_at_no_more_and_garbage_is_gone() -> None:
    kept, lost = Node(), Node()
    found = weakref.ref(lost)
    del lost
    threshold = gc.get_threshold()
    try:
        settle_heap()
        assert gc.get_threshold() == (YOUNG_OBJECTS, *threshold[1:])
        assert found() is None
        assert all(thing is not kept for thing in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
