"""ThrashGuard: fewer promotions while they take too much of the time, more when they do not."""

from hmi.engine.thrash_guard import ThrashGuard


def test_it_halves_while_promotions_take_too_much_and_never_ends_them() -> None:
    guard = ThrashGuard(8)
    seen = []
    for _ in range(5):
        guard.observe(placing_s=0.5, step_s=1.0)
        seen.append(guard.max_cold)
    assert seen == [4, 2, 1, 1, 1]


def test_it_grows_back_to_its_limit() -> None:
    guard = ThrashGuard(4)
    guard.observe(placing_s=1.0, step_s=1.0)
    for _ in range(10):
        guard.observe(placing_s=0.0, step_s=1.0)
    assert guard.max_cold == 4
