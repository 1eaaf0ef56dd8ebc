"""The time that a training may take, counted over several processes."""

from pathlib import Path

import pytest

from hmi.base.errors import InvalidInput
from hmi.build.spend_cap import SpendCap


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_is_reached_when_what_is_to_come_no_longer_fits(tmp_path: Path) -> None:
    watch = Watch()
    cap = SpendCap(tmp_path / "seconds", 2.0, monotonic=watch)
    watch.now += 100
    assert not cap.is_reached(still_to_come_s=10.0)
    assert cap.is_reached(still_to_come_s=20.0)
    cap.refuse_reached()
    watch.now += 20
    with pytest.raises(InvalidInput, match="before the first step"):
        cap.refuse_reached()


def test_of_a_cap_and_a_limit_the_lower_one_holds(tmp_path: Path) -> None:
    watch = Watch()
    limited = SpendCap(tmp_path / "one", 2.0, limit_s=60.0, monotonic=watch)
    capped = SpendCap(tmp_path / "two", 2.0, limit_s=600.0, monotonic=watch)
    alone = SpendCap(tmp_path / "three", None, limit_s=60.0, monotonic=watch)
    watch.now += 61
    assert limited.is_reached(still_to_come_s=0.0) and alone.is_reached(still_to_come_s=0.0)
    assert not capped.is_reached(still_to_come_s=0.0)
    with pytest.raises(InvalidInput, match="the 1 minutes that a training may take here were over"):
        limited.refuse_reached()
    watch.now += 60
    with pytest.raises(InvalidInput, match=r"max_minutes \(2 minutes\) were over"):
        capped.refuse_reached()


def test_the_next_process_goes_on_counting(tmp_path: Path) -> None:
    watch = Watch()
    first = SpendCap(tmp_path / "seconds", 2.0, monotonic=watch)
    watch.now += 70
    assert not first.is_reached(still_to_come_s=0.0)
    watch.now += 1000  # a pause
    second = SpendCap(tmp_path / "seconds", 2.0, monotonic=watch)
    assert second.spent_s == 70
    watch.now += 50
    assert second.is_reached(still_to_come_s=0.0)


def test_what_was_worked_between_looks_at_the_cap_is_noted_at_the_end(tmp_path: Path) -> None:
    watch = Watch()
    first = SpendCap(tmp_path / "seconds", 2.0, monotonic=watch)
    watch.now += 70
    first.note()
    assert SpendCap(tmp_path / "seconds", 2.0, monotonic=watch).spent_s == 70


def test_without_a_cap_time_is_counted_and_never_over(tmp_path: Path) -> None:
    watch = Watch()
    cap = SpendCap(tmp_path / "seconds", None, monotonic=watch)
    watch.now += 1e6
    assert not cap.is_reached(still_to_come_s=1e9)
    assert cap.spent_s == 1e6


def test_a_long_limit_is_told_in_plain_figures(tmp_path: Path) -> None:
    watch = Watch()
    cap = SpendCap(tmp_path / "seconds", None, limit_s=14 * 86_400, monotonic=watch)
    watch.now += 14 * 86_400
    with pytest.raises(InvalidInput, match="the 20160 minutes"):
        cap.refuse_reached()
