"""LoadPace: learns from loaders that are busy, not from those that rest."""

from hmi.engine.load_pace import LoadPace


def test_it_knows_nothing_at_first() -> None:
    assert LoadPace().wait_s(1000) == 0


def test_it_learns_from_arrivals_while_more_are_awaited() -> None:
    pace = LoadPace()
    pace.observe(4, 12.0, awaited_since=10.0, are_more_awaited=True)
    assert pace.wait_s(9) == 5.0


def test_loaders_that_are_busy_are_measured_from_arrival_to_arrival() -> None:
    pace = LoadPace()
    for number in range(1, 50):
        pace.observe(1, number / 2, awaited_since=0.0, are_more_awaited=True)
    assert pace.wait_s(9) == 5.0


def test_one_slow_load_alone_shows_no_slowness() -> None:
    pace = LoadPace()
    pace.observe(10, 1.0, awaited_since=0.0, are_more_awaited=True)
    pace.observe(1, 60.0, awaited_since=50.0, are_more_awaited=False)
    assert pace.wait_s(9) == 1.0


def test_what_is_asked_for_now_and_then_shows_no_slowness_though_one_hangs() -> None:
    pace = LoadPace()
    for minute in range(1, 50):
        pace.observe(1, 60.0 * minute, awaited_since=60.0 * minute - 0.5, are_more_awaited=True)
    assert pace.wait_s(9) == 5.0


def test_nobody_waits_when_nothing_is_awaited() -> None:
    pace = LoadPace()
    pace.observe(1, 1000.0, awaited_since=0.0, are_more_awaited=True)
    assert pace.wait_s(0) == 0
