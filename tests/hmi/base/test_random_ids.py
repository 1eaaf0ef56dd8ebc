"""Random ids are UUIDs of version 4, all different."""

import uuid

from hmi.base.random_ids import RandomIds

NUM = 1000  # more than are drawn at a time


def test_every_id_is_another_uuid_of_version_4() -> None:
    ids = RandomIds()
    drawn = [ids.dashed() for _ in range(NUM)]
    assert len(set(drawn)) == NUM
    for text in drawn:
        read = uuid.UUID(text)
        assert (str(read), read.version, read.variant) == (text, 4, uuid.RFC_4122)


def test_the_digits_alone_are_such_an_id_too() -> None:
    digits = RandomIds().hex()
    assert len(digits) == 32
    assert uuid.UUID(digits).version == 4
