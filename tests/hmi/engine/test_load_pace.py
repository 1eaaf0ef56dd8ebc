"""LoadPace: learns from loaders that are busy, not from those that rest."""

from hmi.engine.load_pace import LoadPace


def test_it_knows_nothing_at_first() -> None:
    assert LoadPace().wait_s(1000) == 0


def test_it_learns_from_arrivals_while_more_are_awaited() -> None:
    pace = LoadPace()
    pace.begin(10.0)
    pace.observe(4, 12.0, are_more_awaited=True)
    assert pace.wait_s(9) == 5.0


def test_one_slow_load_alone_shows_no_slowness() -> None:
    pace = LoadPace()
    pace.begin(0.0)
    pace.observe(10, 1.0, are_more_awaited=True)
    pace.begin(50.0)
    pace.observe(1, 60.0, are_more_awaited=False)
    assert pace.wait_s(9) == 1.0


def test_nobody_waits_when_nothing_is_awaited() -> None:
    pace = LoadPace()
    pace.begin(0.0)
    pace.observe(1, 1000.0, are_more_awaited=True)
    assert pace.wait_s(0) == 0
