"""The host tier is refused at the start when the largest of a kind could never pass through it."""

import pytest

from hmi.base.errors import BudgetExceeded
from hmi.engine.host_plan import HostNeed, check_host

NEEDS = (HostNeed("adapters", 0.7, 1400), HostNeed("tables", 0.25, 1000), HostNeed("trees", 0.05, 10))
LEAST = 4000  # for the tables


def test_the_least_that_works_works() -> None:
    check_host(NEEDS, LEAST)


def test_one_byte_less_is_refused_with_a_table() -> None:
    with pytest.raises(BudgetExceeded, match=rf"HMI_HOST_BYTES is 3_999.*{LEAST:_}") as caught:
        check_host(NEEDS, LEAST - 1)
    assert [line.split()[0] for line in caught.value.message.splitlines()[1:]] == [
        "adapters",
        "tables",
        "trees",
    ]
    assert "1_000" in caught.value.message and "its 25% are 999" in caught.value.message
