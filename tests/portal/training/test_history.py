"""Thinning of progress lines."""

from dataclasses import replace

from portal.training.history import HistoryThinner
from wire.training import Phase, Progress

STEP = Progress(
    phase=Phase.TRAINING, step=1, num_steps=9, loss=1.0, validation_accuracy=None, eta_s=None, message=""
)


def test_the_first_line_is_kept_and_then_one_a_second() -> None:
    thinner = HistoryThinner()
    times = [0.0, 0.4, 0.9, 1.0, 1.5, 2.1, 2.2]
    assert [thinner.is_kept(STEP, now) for now in times] == [True, False, False, True, False, True, False]


def test_every_validation_and_every_phase_is_kept() -> None:
    thinner = HistoryThinner()
    lines = [
        STEP,
        replace(STEP, validation_accuracy=0.5),
        replace(STEP, validation_accuracy=0.5),
        replace(STEP, validation_accuracy=0.6),
        replace(STEP, phase=Phase.EVALUATING, validation_accuracy=0.6),
    ]
    assert [thinner.is_kept(line, 0.0) for line in lines] == [True, True, False, True, True]
