"""When a version on trial is promoted or rolled back."""

import math

import pytest

from portal.serving.verdict import Outcome, judge, sign_test, wilson
from portal.usage.models import TrialFigures


def figures(*, texts: int = 0, agreed: int = 0, live_failed: int = 0, trial_failed: int = 0) -> TrialFigures:
    return TrialFigures(
        num_requests=texts + live_failed + trial_failed,
        num_texts=texts,
        num_agreed=agreed,
        num_live_failed=live_failed,
        num_trial_failed=trial_failed,
    )


def outcome(counted: TrialFigures | None) -> Outcome:
    return judge(counted, min_texts=500, min_agreement=0.9).outcome


@pytest.mark.parametrize(
    ("counted", "expected"),
    [
        (None, Outcome.WAIT),
        (figures(texts=499, agreed=499), Outcome.WAIT),
        (figures(texts=500, agreed=490), Outcome.PROMOTE),
        (figures(texts=500, agreed=460), Outcome.WAIT),  # 92%, and not yet sure of 90%
        (figures(texts=5000, agreed=4600), Outcome.PROMOTE),
        (figures(texts=500, agreed=400), Outcome.ROLL_BACK),
        (figures(texts=5000, agreed=4500), Outcome.ROLL_BACK),  # for ever too near to 90%
        (figures(trial_failed=9), Outcome.WAIT),
        (figures(trial_failed=10), Outcome.ROLL_BACK),  # 1 in 1,024 by chance
        (figures(texts=500, agreed=500, live_failed=20, trial_failed=20), Outcome.PROMOTE),
        (figures(texts=500, agreed=500, live_failed=2, trial_failed=20), Outcome.ROLL_BACK),
    ],
)
def test_the_verdict_follows_from_the_figures(counted: TrialFigures | None, expected: Outcome) -> None:
    assert outcome(counted) is expected


def test_the_verdict_says_why_with_numbers() -> None:
    verdict = judge(figures(texts=500, agreed=400), min_texts=500, min_agreement=0.9)
    assert "400 of 500" in verdict.reason and "90.0%" in verdict.reason
    assert verdict.agreement == 0.8
    assert verdict.agreement_low < 0.8 < verdict.agreement_high < 0.9


def test_before_the_first_comparison_it_says_how_many_it_needs() -> None:
    verdict = judge(None, min_texts=500, min_agreement=0.9)
    assert verdict.outcome is Outcome.WAIT and "a verdict needs 500 texts" in verdict.reason


def test_the_sign_test_does_not_count_throws_one_by_one() -> None:
    """A trial that nobody ends collects failures; what its page and the verdicts of all others wait for."""
    assert sign_test(10_000_000, 10_000_000) == pytest.approx(0.5, abs=1e-3)
    assert sign_test(1_000_000, 1_002_000) == pytest.approx(0.9214, abs=1e-3)  # by the normal curve
    assert sign_test(1_002_000, 1_000_000) == pytest.approx(0.0787, abs=1e-3)
    assert sign_test(10_000_000, 0) == 0.0


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == sign_test(0, 3) == 1.0
    for total in (3, 10, 61, 300):
        for more in range(total + 1):
            exact = sum(math.comb(total, heads) for heads in range(more, total + 1)) / 2**total
            assert sign_test(more, total - more) == pytest.approx(exact, rel=1e-9, abs=1e-15)


def test_the_interval_holds_the_share_and_narrows() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    few, many = wilson(9, 10), wilson(900, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1] <= 1.0
    assert wilson(0, 50)[0] == 0.0 and wilson(50, 50)[1] == pytest.approx(1.0)
