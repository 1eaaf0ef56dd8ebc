"""Random ids."""

from hmi.base.random_ids import random_id


def test_ids_are_random_uuids() -> None:
    ids = {random_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {(each.version, each.variant) for each in ids} == {(4, "specified in RFC 4122")}
